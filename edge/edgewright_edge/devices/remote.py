"""What ssh and adb have in common: a shell on the device, reached through a program of this machine."""

import os
import select
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TextIO

from edgewright_train.errors import CheckError, InputError

from .connection import Finished, wait_unless_stopping
from .scripts import EMPTY, GREETING, HOLD, RUN, command_line, split_trailer

_CONNECT_TIMEOUT_S = 60
_END_TIMEOUT_S = 30  # for removing the folder, or for ending a program
_SHORT_TIMEOUT_S = 120  # for what takes a moment
TRANSFER_TIMEOUT_S = 3600
_FULL = ("no space left on device", "disk quota exceeded", "file too large", "wrote only")  # the last: GNU tar

Process = subprocess.Popen[bytes]


class Remote(ABC):
    """See `Connection`.  One process holds the folder; each step has another."""

    architecture: str
    folder: str

    def __init__(self, name: str, parent: str) -> None:
        """`parent`: where the folder is made; empty: the device's folder for temporary files."""
        self._name, self._parent = name, parent

    @abstractmethod
    def _client(self, line: str, *, holds: bool = False) -> list[str]:
        """The command that runs `line` in the device's shell; `holds`: the one that lasts until leaving."""

    @abstractmethod
    def _reason(self, stderr: str) -> str:
        """Why `_client` could not, in one line."""

    @abstractmethod
    def put(self, files: Mapping[str, Path]) -> None: ...

    @abstractmethod
    def fetch(self, into: Path) -> None: ...

    def __enter__(self) -> "Remote":
        self._log = tempfile.TemporaryFile()
        try:
            client = self._client(command_line(HOLD, self._parent), holds=True)
            self._keeper = self._popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        except BaseException:
            self._log.close()
            raise
        try:
            self.architecture, self.folder = self._greeting()
        except BaseException:
            self._end(self._keeper)
            self._log.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(self._keeper)
        told, code = split_trailer(_text(self._log))
        self._log.close()
        if kind is None and code != 0:
            raise CheckError(f"{self._name}: its folder {self.folder} could not be removed: {self._reason(told)}")

    def empty(self, folders: Sequence[str]) -> None:
        done = self._ask(command_line(EMPTY, self.folder, *folders), _SHORT_TIMEOUT_S)
        self._require(done, "cannot make folders")

    def run(self, command: Sequence[str], *, timeout_s: float, show: TextIO | None = None) -> Finished:
        return self._ask(command_line(RUN, self.folder, *command), timeout_s, show)

    def _greeting(self) -> tuple[str, str]:
        """The device's architecture, and its folder.  Whatever its shell says before is left out."""
        assert self._keeper.stdout is not None
        heard, deadline = b"", time.monotonic() + _CONNECT_TIMEOUT_S
        while (found := GREETING.search(heard)) is None:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._keeper.stdout], [], [], left)
            data = os.read(self._keeper.stdout.fileno(), 4096) if ready else b""
            if not data:
                silent = f"no answer within {_CONNECT_TIMEOUT_S} s" if not ready else ""
                self._end(self._keeper)
                raise InputError(f"{self._name}: {silent or self._reason(_text(self._log))}")
            heard += data
        return found[1].decode(errors="replace"), found[2].decode(errors="surrogateescape")

    def _ask(self, line: str, timeout_s: float, show: TextIO | None = None) -> Finished:
        """Run `line` to its end, with nothing on its standard input, which stays open."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self._start(line, err, show or out)
            try:
                wait_unless_stopping(process.wait, timeout_s)
            except subprocess.TimeoutExpired:
                raise CheckError(f"{self._name}: took longer than {timeout_s:g} s, and was stopped") from None
            finally:
                self._end(process)
            return self._finished(err, _text(out))

    def _finished(self, err: IO[bytes], stdout: str = "") -> Finished:
        """Raises `CheckError` when the device's shell did not say that it came to its end."""
        stderr, code = split_trailer(_text(err))
        if code is None:
            raise CheckError(f"{self._name}: the connection was lost: {self._reason(stderr)}")
        return Finished(code, stdout, stderr)

    def _require(self, done: Finished, what: str) -> None:
        if done.code == 0:
            return
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.code}"]
        full = next((line for line in lines if any(text in line.lower() for text in _FULL)), None)
        if full is not None:
            raise InputError(f"{self._name}: {what}: no room in {self.folder} ({full})")
        raise InputError(f"{self._name}: {what}: {lines[0]}")

    def _start(self, line: str, err: IO[bytes], out: int | IO[bytes] | TextIO) -> Process:
        return self._popen(self._client(line), stdin=subprocess.PIPE, stdout=out, stderr=err)

    def _popen(
        self, command: Sequence[str], *, stdin: int, stdout: int | IO[bytes] | TextIO, stderr: int | IO[bytes]
    ) -> Process:
        try:
            return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, bufsize=0)
        except FileNotFoundError:
            package = {"ssh": "openssh-client"}.get(command[0], command[0])
            raise InputError(
                f"{self._name}: {command[0]} is not installed; run: sudo apt-get install -y {package}"
            ) from None

    @contextmanager
    def _limited(self, process: Process) -> Iterator[None]:
        """Ends `process` after `TRANSFER_TIMEOUT_S`, and on leaving."""
        timer = threading.Timer(TRANSFER_TIMEOUT_S, process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._end(process)

    @staticmethod
    def _end(process: Process) -> None:
        """Close its standard input, which ends whatever it does on the device, and wait for it."""
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def last_line(text: str) -> str:
    """The last that is not empty."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
