"""Data sets: one file per on-disk format, the generated default, augmentation and loading."""
