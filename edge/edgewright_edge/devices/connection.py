"""What every kind of device can do, and the names in the folder that it lends."""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, TextIO, TypeVar

from edgewright_train.errors import CheckError

T = TypeVar("T")

stopping = threading.Event()  # set: what runs on any device is to end
_LOOK_S = 1.0

# In the device's folder.  Nothing else is ever written there, and no name of a user's file is used.
PROGRAM = "edgebench"
PACK = "pack"
IMAGES = "images"
OUT = "out"  # what a program writes, all of it directly there


@dataclass(frozen=True)
class Finished:
    """A program that ran to its end on a device; `code` is 128 + n when signal n killed it."""

    code: int
    stdout: str
    stderr: str


def wait_unless_stopping(wait: Callable[[float], T], timeout_s: float) -> T:
    """`wait(seconds)` of a process, again and again; raises `TimeoutExpired` as it does, or `CheckError`."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = deadline - time.monotonic()
        try:
            return wait(max(0.0, min(left, _LOOK_S)))
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                raise CheckError("interrupted") from None
            if left <= _LOOK_S:
                raise


class Connection(Protocol):
    """A fresh private folder on a device, from entering to leaving; whatever happens, it is removed then.

    Every method raises `CheckError` when the connection is lost, entering raises `InputError` when there is none.
    """

    @property
    def architecture(self) -> str:
        """As `uname -m` says."""

    @property
    def folder(self) -> str: ...

    def __enter__(self) -> "Connection": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def put(self, files: Mapping[str, Path]) -> None:
        """Copy there; by their names in the folder.  Raises `InputError` when there is no room."""

    def empty(self, folders: Sequence[str]) -> None:
        """Make them, with nothing in them."""

    def run(self, command: Sequence[str], *, timeout_s: float, show: TextIO | None = None) -> Finished:
        """In the folder, to its end; with `show` its standard output goes there.  After `timeout_s` it is killed."""

    def fetch(self, into: Path) -> None:
        """Every file directly in `OUT`, into a folder of this machine."""
