"""The commands beside `edgewright-train`: options in, one line or a table out."""
