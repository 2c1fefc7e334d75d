"""Width and height of an image file from its first bytes, so that opening thousands of images takes no time."""

import struct
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ...errors import InputError
from ...vision.read_image import MAX_SIDE, decode_image, read_image

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_MAX_JPEG_SEGMENTS = 1000
# Start-of-frame markers C0..CF, less DHT (C4), JPG (C8) and DAC (CC), which share the range.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) as stored, EXIF rotation not applied; whole files are read only for rare formats.

    Raises `InputError` for a file that is missing or not an image.  Broken pixels are found when the image is read.
    """
    try:
        with path.open("rb") as file:
            found = _from_header(file)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if found is None:
        height, width = read_image(path).shape[:2]
        return width, height
    return _checked(found, str(path))


def encoded_size(data: bytes, source: str) -> tuple[int, int]:
    """As `image_size`, from the bytes of a file; `source` names it in errors."""
    found = _from_header(BytesIO(data))
    if found is None:
        height, width = decode_image(data, source).shape[:2]
        return width, height
    return _checked(found, source)


def _checked(size_wh: tuple[int, int], source: str) -> tuple[int, int]:
    if not all(1 <= side <= MAX_SIDE for side in size_wh):
        raise InputError(f"{source}: {size_wh[0]}x{size_wh[1]} pixels; a side may have 1 to {MAX_SIDE}")
    return size_wh


def _from_header(file: BinaryIO) -> tuple[int, int] | None:
    """None for a format, or a header, that is not understood here."""
    start = file.read(24)
    if start.startswith(_PNG) and start[12:16] == b"IHDR" and len(start) == 24:
        width, height = struct.unpack(">II", start[16:24])
        return width, height
    if start.startswith(_JPEG):
        file.seek(2)
        return _from_jpeg(file)
    return None


def _from_jpeg(file: BinaryIO) -> tuple[int, int] | None:
    """Hop from segment to segment (FF, marker, length) to the frame header (length, precision, height, width)."""
    for _ in range(_MAX_JPEG_SEGMENTS):
        head = file.read(9)
        if len(head) < 9 or head[0] != 0xFF:
            return None
        marker, length = head[1], int.from_bytes(head[2:4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", head[5:9])
            return width, height
        file.seek(length - 7, 1)
    return None
