"""This machine as a device, so that what is measured elsewhere can be held against it."""

import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from edgewright_train.errors import CheckError, InputError

from ..process_group import run_group
from .connection import OUT, PROGRAM, Finished, wait_unless_stopping


class HostConnection:
    """See `Connection`."""

    def __init__(self, name: str, parent: str) -> None:
        self._name, self._parent = name, parent
        self.architecture = platform.machine()

    def __enter__(self) -> "HostConnection":
        try:
            self.folder = tempfile.mkdtemp(prefix="edgewright.", dir=self._parent or None)
        except OSError as error:
            raise InputError(f"{self._name}: {self._parent}: {error.strerror}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder)

    def put(self, files: Mapping[str, Path]) -> None:
        for name, path in files.items():
            target = Path(self.folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(path, target)
            except OSError as error:
                raise InputError(f"{self._name}: cannot copy files there: {error}") from None
            target.chmod(0o700 if name == PROGRAM else 0o600)

    def empty(self, folders: Sequence[str]) -> None:
        for name in folders:
            shutil.rmtree(Path(self.folder) / name, ignore_errors=True)
            (Path(self.folder) / name).mkdir()

    def run(self, command: Sequence[str], *, timeout_s: float, show: TextIO | None = None) -> Finished:
        try:
            done = run_group(
                command, folder=self.folder, show=show, wait=lambda ended: wait_unless_stopping(ended, timeout_s)
            )
        except OSError as error:
            return Finished(126, "", f"{command[0]}: {error.strerror}")
        except subprocess.TimeoutExpired:
            raise CheckError(f"{self._name}: took longer than {timeout_s:g} s, and was stopped") from None
        code = done.returncode
        return Finished(128 - code if code < 0 else code, done.stdout, done.stderr)

    def fetch(self, into: Path) -> None:
        for path in (Path(self.folder) / OUT).iterdir():
            shutil.move(path, into / path.name)
