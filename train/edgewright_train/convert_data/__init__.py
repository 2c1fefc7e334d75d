"""Data sets written in another format: images byte for byte, truths as far as the format holds them."""
