"""What comes from a device is not trusted: plain names, plain files, and not without end."""

import re
from pathlib import Path
from typing import IO

from edgewright_train.errors import CheckError

from .connection import OUT

_MAX_BYTES = 1 << 30
_BLOCK_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def plain_name(name: str, device: str) -> str:
    """Of a file directly in `OUT`.  Raises `CheckError` for anything else."""
    inside = name.removeprefix(f"{OUT}/")
    if not _NAME.fullmatch(inside):
        raise CheckError(f"{device}: sent a file with the name {name!r}")
    return inside


def check_fetched(path: Path, device: str) -> None:
    """Raises `CheckError` for a link, a folder, or what is too large or has a name that none of ours has."""
    plain_name(path.name, device)
    if path.is_symlink() or not path.is_file():
        raise CheckError(f"{device}: sent {path.name}, which is not a plain file")
    _check_size(path.name, path.stat().st_size, device)


def write_fetched(data: IO[bytes], size: int, path: Path, device: str) -> None:
    """Raises `CheckError` when there is too much of it."""
    _check_size(path.name, size, device)
    with path.open("xb") as file:
        while block := data.read(_BLOCK_BYTES):
            file.write(block)


def _check_size(name: str, size: int, device: str) -> None:
    if size > _MAX_BYTES:
        raise CheckError(f"{device}: sent {name} with {size} bytes; it may have at most {_MAX_BYTES}")
