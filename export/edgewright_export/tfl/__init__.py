"""TFLite files written operation by operation from a captured graph (docs/adr/0008-tflite-writer.md)."""

from .translate import translate

__all__ = ["translate"]
