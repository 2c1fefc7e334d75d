"""Opens the databases a report draws on: never to write, and a damaged one is an error that names it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from edgewright_train.errors import InputError

_BUSY_TIMEOUT_S = 10


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write.  Raises `InputError` when the file is missing or not such a database."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
    except sqlite3.Error as error:
        raise InputError(f"{path}: {error}") from None
