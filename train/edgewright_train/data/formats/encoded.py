"""Images as the bytes of a file."""

from pathlib import Path
from typing import Any

import cv2

from ...untrusted_file import read_at_most
from ...vision.read_image import MAX_FILE_BYTES


def encoded_image(dataset: Any, index: int) -> tuple[str, bytes]:
    """The ending, such as ".jpg", and the file as the data set has it; generated images are encoded as PNG."""
    if hasattr(dataset, "encoded_image"):
        return dataset.encoded_image(index)
    path = Path(dataset.source(index))
    if path.is_file():
        return path.suffix.lower(), read_at_most(path, MAX_FILE_BYTES, "an image")
    return ".png", cv2.imencode(".png", dataset.image(index))[1].tobytes()
