"""The matrix: every network of a list, exported to every target in every precision, proven and measured."""
