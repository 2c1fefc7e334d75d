"""Lines of small text files as people's editors leave them: with a byte-order mark, CRLF, or no newline at the end."""

from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError

_MAX_BYTES = 256 << 20


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, line without surrounding space).  Raises `InputError` for a missing or binary file."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: {path.stat().st_size} bytes; a text file may have at most {_MAX_BYTES}")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a UTF-8 text file") from None
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.strip()
