"""How samples differ from their images."""
