"""Semantic segmentation: what every pixel is of."""
