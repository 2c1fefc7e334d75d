"""PNG images of few colours, as small as they can be: one palette index per pixel (ISO/IEC 15948, colour type 3)."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rgba = tuple[int, int, int, int]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BIT_DEPTH, _PALETTE = 8, 3


def palette_png(indices: NDArray[np.uint8], colours: Sequence[Rgba]) -> bytes:
    """indices (H, W) into `colours`, 1 to 256 of them."""
    height, width = indices.shape
    used = colours[: int(indices.max()) + 1]
    header = struct.pack(">IIBBBBB", width, height, _BIT_DEPTH, _PALETTE, 0, 0, 0)
    palette = b"".join(bytes(colour[:3]) for colour in used)
    opacity = bytes(colour[3] for colour in used)
    rows = np.zeros((height, 1 + width), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = indices
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"tRNS", opacity),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
