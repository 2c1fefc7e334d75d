"""Files that are not trusted are read only up to a size."""

from pathlib import Path

from .errors import InputError


def read_at_most(path: Path, max_bytes: int, what: str) -> bytes:
    """The whole file.  Raises `InputError` when it is missing, unreadable, or larger than `what` may be."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise InputError(f"{path}: {size} bytes; {what} may have at most {max_bytes}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
