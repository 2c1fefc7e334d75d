"""Masks: PNG files with one number per pixel, as grey values of 1 to 16 bits or as indices into a palette.

The number is what counts, and no palette or grey scale that is meant for the eye.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...untrusted_file import read_at_most
from ...vision.read_image import MAX_FILE_BYTES, MAX_SIDE

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">4x4sIIBBBBB4x")  # length, IHDR, width, height, bits, colour type, three methods, CRC
_HEADER_END = len(_SIGNATURE) + _HEADER.size
_GREY, _PALETTE = 0, 3
_COLOUR_TYPES = {2: "a colour image", 4: "a grey image with transparency", 6: "a colour image with transparency"}


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    num_bits: int
    interlace: int


def label_image_size(path: Path) -> tuple[int, int]:
    """(width, height) from the first bytes.  Raises `InputError` for anything but a PNG with one number per pixel."""
    try:
        with path.open("rb") as file:
            header = _read_header(file.read(_HEADER_END), str(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return header.width, header.height


def read_label_image(path: Path) -> NDArray[np.uint16]:
    """(H, W) numbers as stored.  Raises `InputError` as `label_image_size` does, and for a file that is cut short."""
    return decode_label_image(read_at_most(path, MAX_FILE_BYTES, "a mask"), str(path))


def decode_label_image(data: bytes, source: str) -> NDArray[np.uint16]:
    """As `read_label_image`, from the bytes of a file; `source` names it in errors."""
    header = _read_header(data[:_HEADER_END], source)
    grey = _as_grey(data, header, source)
    try:
        image = cv2.imdecode(np.frombuffer(grey, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.shape != (header.height, header.width):
        raise InputError(f"{source}: not a readable PNG")
    if header.num_bits < 8:
        image = image // (255 // ((1 << header.num_bits) - 1))  # undo the stretch to 0..255
    return np.asarray(image, np.uint16)


def _read_header(start: bytes, source: str) -> _Header:
    if not start.startswith(_SIGNATURE) or len(start) < _HEADER_END:
        raise InputError(f"{source}: not a PNG file; a mask is a PNG with one number per pixel")
    kind, width, height, num_bits, colour_type, _, _, interlace = _HEADER.unpack(start[len(_SIGNATURE) :])
    if kind != b"IHDR":
        raise InputError(f"{source}: not a PNG file: its first part is {kind!r}")
    if colour_type not in (_GREY, _PALETTE):
        found = _COLOUR_TYPES.get(colour_type, f"a PNG of colour type {colour_type}")
        raise InputError(f"{source}: {found}; a mask has one number per pixel (a grey or palette PNG)")
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InputError(f"{source}: {width}x{height} pixels; a side may have 1 to {MAX_SIDE}")
    return _Header(width, height, num_bits, interlace)


def _as_grey(data: bytes, header: _Header, source: str) -> bytes:
    """The same pixels as a plain grey PNG: a palette and its indices are stored as grey values would be."""
    fields = struct.pack(">IIBBBBB", header.width, header.height, header.num_bits, _GREY, 0, 0, header.interlace)
    parts = [_SIGNATURE, _part(b"IHDR", fields)]
    position = _HEADER_END
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        if kind in (b"IDAT", b"IEND"):
            parts.append(data[position:end])
        if kind == b"IEND":
            return b"".join(parts)
        position = end
    raise InputError(f"{source}: PNG is cut short")


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
