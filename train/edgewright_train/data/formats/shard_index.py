"""Where everything lies in a tar file, so that any sample can be read without those before it.

The index of a shard is made once, by reading its headers, and kept in `build/shard-index/` until the shard changes.  It
holds the small members that say what an image shows, too: a data set of a million images opens without a look at them.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...atomic import atomic_file
from ...errors import InputError
from ...vision.read_image import MAX_FILE_BYTES
from ..problems import Problems

_CACHE = Path("build") / "shard-index"
_VERSION = 1
_BLOCK = 512
_KEPT_TEXTS = (".json", ".cls")
_MAX_TEXT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a shard; `text`: all of it, for those that say what an image shows."""

    name: str
    offset: int
    num_bytes: int
    text: str | None = None

    def read(self, shard: Path) -> bytes:
        """Raises `InputError` when the shard is no longer what its index says."""
        try:
            with shard.open("rb") as file:
                data = os.pread(file.fileno(), self.num_bytes, self.offset)
        except OSError as error:
            raise InputError(f"{shard}: {error.strerror}") from None
        if len(data) != self.num_bytes:
            raise InputError(f"{shard}: cut short within {self.name}")
        return data


def shard_members(shard: Path, problems: Problems) -> list[Member]:
    """In the order of the file.  A shard that is cut short goes to `problems`; what is whole of it is returned."""
    try:
        status = shard.stat()
    except OSError as error:
        raise InputError(f"{shard}: {error.strerror}") from None
    identity = f"{_VERSION} {shard.absolute()} {status.st_size} {status.st_mtime_ns}"
    cached = _CACHE / f"{hashlib.sha256(os.fsencode(identity)).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError, TypeError):
        return [Member(*row) for row in json.loads(cached.read_text())]
    before = len(problems.found)
    members = list(_read_members(shard, status.st_size, problems))
    if len(problems.found) == before:
        with suppress(OSError), atomic_file(cached) as temporary:  # a place that cannot be written to costs time only
            temporary.write_text(json.dumps([[m.name, m.offset, m.num_bytes, m.text] for m in members]))
    return members


def _read_members(shard: Path, num_bytes: int, problems: Problems) -> Iterator[Member]:
    try:
        with shard.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for info in archive:
                if info.isdir():
                    continue
                wrong = _wrong_member(info, num_bytes)
                if wrong:
                    problems.add(f"{shard}: {info.name}: {wrong}")
                else:
                    yield _member(info, file.fileno())
            end = os.pread(file.fileno(), _BLOCK, archive.offset)
    except tarfile.TarError as error:
        problems.add(f"{shard}: not a whole, uncompressed tar file: {error}")
        return
    except OSError as error:
        raise InputError(f"{shard}: {error.strerror}") from None
    if end != bytes(_BLOCK):
        problems.add(f"{shard}: cut short or damaged: the end-of-archive mark is missing")


def _wrong_member(info: tarfile.TarInfo, shard_bytes: int) -> str:
    """What is wrong with it, "" for nothing."""
    if not info.isreg() or info.issparse():
        return "must be a plain file"
    if info.size > MAX_FILE_BYTES:
        return f"{info.size} bytes; a member may have at most {MAX_FILE_BYTES}"
    return "" if info.offset_data + info.size <= shard_bytes else "cut short"


def _member(info: tarfile.TarInfo, descriptor: int) -> Member:
    text = None
    if info.name.lower().endswith(_KEPT_TEXTS) and info.size <= _MAX_TEXT_BYTES:
        text = os.pread(descriptor, info.size, info.offset_data).decode("utf-8", "replace")
    return Member(info.name, info.offset_data, info.size, text)
