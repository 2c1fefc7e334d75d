"""Classification: what an image is of."""
