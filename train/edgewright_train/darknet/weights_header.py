"""The first 16 or 20 bytes of a `.weights` file.  spec-darknet-cfg section 6."""

import struct
from dataclasses import dataclass

from ..errors import InputError

_MAX_VERSION = 10000


@dataclass(frozen=True)
class WeightsHeader:
    """`seen`: images the training had seen.  Its width, and the order of [connected] weights, hang on the version."""

    major: int = 0
    minor: int = 2
    revision: int = 5
    seen: int = 0

    @property
    def transposed(self) -> bool:
        """Whether the weights of [connected] stand column by column."""
        return self.major > 1000 or self.minor > 1000

    @property
    def _layout(self) -> str:
        return "<iiiQ" if self.major * 10 + self.minor >= 2 and not self.transposed else "<iiiI"

    @property
    def num_bytes(self) -> int:
        return struct.calcsize(self._layout)

    def pack(self) -> bytes:
        return struct.pack(self._layout, self.major, self.minor, self.revision, self.seen)

    @classmethod
    def unpack(cls, data: bytes, *, source: str) -> "WeightsHeader":
        """From the beginning of a file.  Raises `InputError` when it cannot be darknet's."""
        if len(data) < 16:
            raise InputError(f"{source}: {len(data)} bytes; a weights file starts with a header of 16 or 20")
        version = struct.unpack_from("<iii", data)
        if not all(0 <= number < _MAX_VERSION for number in version):
            raise InputError(
                f"{source}: header: version {'.'.join(map(str, version))}; not a darknet weights file "
                "(they have 0.1.0, 0.2.0 or 0.2.5)"
            )
        header = cls(*version)
        if len(data) < header.num_bytes:
            raise InputError(f"{source}: {len(data)} bytes; a header of this version has {header.num_bytes}")
        return cls(*struct.unpack_from(header._layout, data))
