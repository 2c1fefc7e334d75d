"""Images from files that are not trusted: bounded, and either whole or an error."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..untrusted_file import read_at_most

MAX_FILE_BYTES = 64 << 20
MAX_SIDE = 16384


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR, pixels as stored: annotations refer to them, so an EXIF rotation is not applied.

    Raises `InputError` for a file that is missing, too large, not an image, or cut short.
    """
    return decode_image(read_at_most(path, MAX_FILE_BYTES, "an image"), str(path))


def decode_image(data: bytes, source: str) -> NDArray[np.uint8]:
    """As `read_image`, from the bytes of a file; `source` names it in errors."""
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:]:
        raise InputError(f"{source}: JPEG is cut short (no end-of-image marker)")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    if image is None:
        raise InputError(f"{source}: not a readable image")
    if max(image.shape[:2]) > MAX_SIDE:
        raise InputError(f"{source}: {image.shape[1]}x{image.shape[0]} pixels; a side may have at most {MAX_SIDE}")
    return image
