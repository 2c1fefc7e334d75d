"""Darknet's own formats: `.cfg` networks and `.weights`, read and written (AlexeyAB's and pjreddie's dialects)."""
