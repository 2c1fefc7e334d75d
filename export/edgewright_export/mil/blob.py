"""Weight files of ML programs: records of typed arrays behind a 64-byte header, every read inside the bounds.

A record is five little-endian fields: u32 sentinel 0xDEADBEEF, u32 data type, u64 size in bytes, u64 offset of the
data, u64 unused bits at its end.  Layout: Apple's `StorageFormat.hpp` in coremltools (mlmodel/src/MILBlob/Blob).
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .malformed import Malformed
from .tensor_types import TensorType

MAX_BYTES = 2 << 30
_RECORD = struct.Struct("<IIQQQ")
_SENTINEL = 0xDEADBEEF


@dataclass(frozen=True)
class BlobFile:
    """A weight file in memory."""

    name: str
    data: bytes

    @classmethod
    def open(cls, path: Path) -> "BlobFile":
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Malformed(f"{path.name}: {size} bytes; a weight file may have at most {MAX_BYTES}")
        return cls(path.name, path.read_bytes())

    def read(self, offset: int, expected: TensorType) -> NDArray[np.generic]:
        """The array whose record stands at `offset`; it must be of the `expected` type and size."""
        where = f"{self.name} at offset {offset}"
        if offset + _RECORD.size > len(self.data):
            raise Malformed(f"{where}: the record is past the end of the file ({len(self.data)} bytes)")
        sentinel, code, size, start, unused_bits = _RECORD.unpack_from(self.data, offset)
        if sentinel != _SENTINEL:
            raise Malformed(f"{where}: no record here (sentinel {sentinel:#010x}, not {_SENTINEL:#010x})")
        if code != expected.element.blob_code:
            raise Malformed(f"{where}: data type {code}, the program declares {expected}")
        num_bits = expected.num_elements * expected.element.bits
        if size != -(-num_bits // 8) or unused_bits != size * 8 - num_bits:
            raise Malformed(f"{where}: {size} bytes with {unused_bits} unused bits, the program declares {expected}")
        if start + size > len(self.data):
            raise Malformed(f"{where}: data at {start} + {size} is past the end of the file ({len(self.data)} bytes)")
        return unpack(self.data[start : start + size], expected)


def unpack(data: bytes, expected: TensorType) -> NDArray[np.generic]:
    """Elements from little-endian bytes; below 8 bits they are packed, lowest bits first, across byte borders."""
    element = expected.element
    if element.bits >= 8:
        return np.frombuffer(data, np.dtype(element.numpy).newbyteorder("<")).reshape(expected.shape)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=expected.num_elements * element.bits)
    values = np.packbits(bits.reshape(-1, element.bits), axis=1, bitorder="little").reshape(expected.shape)
    if element.numpy == np.int8:  # sign of a 4-bit number
        sign = np.uint8(1 << (element.bits - 1))
        return (values ^ sign).astype(np.int8) - sign.astype(np.int8)
    return values
