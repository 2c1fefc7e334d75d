"""A phone over adb, whose shell tells exit codes and ends with the connection from Android 7 on."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgewright_train.errors import CheckError

from .address import AdbAddress
from .connection import OUT, PROGRAM, Finished
from .fetched import check_fetched
from .remote import TRANSFER_TIMEOUT_S, Remote, last_line
from .scripts import ALLOW, command_line

_PARENT = "/data/local/tmp"  # the one place where adb's user may write and start programs
_SHORT_TIMEOUT_S = 120
_HINTS = {
    "unauthorized": "allow this computer on its screen",
    "not found": "adb devices lists those that are there",
    "offline": "unplug it and plug it in again",
}


class AdbConnection(Remote):
    """See `Connection`."""

    def __init__(self, address: AdbAddress, name: str, parent: str) -> None:
        super().__init__(name, parent or _PARENT)
        self._adb = ["adb", "-s", address.serial]

    def put(self, files: Mapping[str, Path]) -> None:
        """adb copies folders, and takes their names from this machine: the files get ours in a folder of links."""
        with tempfile.TemporaryDirectory(prefix="edgewright-put-") as scratch:
            for name, path in files.items():
                (Path(scratch) / name).parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(path, Path(scratch) / name)
            self._transfer(["push", f"{scratch}/.", f"{self.folder}/"], "cannot copy files there")
        if PROGRAM in files:
            done = self._ask(command_line(ALLOW, self.folder, PROGRAM), _SHORT_TIMEOUT_S)
            self._require(done, "cannot make a program of a file")

    def fetch(self, into: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="edgewright-fetch-") as scratch:
            self._transfer(["pull", f"{self.folder}/{OUT}", scratch], "cannot fetch the results")
            for path in (Path(scratch) / OUT).iterdir():
                check_fetched(path, self._name)
                shutil.move(path, into / path.name)

    def _transfer(self, arguments: list[str], what: str) -> None:
        with tempfile.TemporaryFile() as err:
            process = self._popen(
                [*self._adb, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err
            )
            with self._limited(process):
                process.wait(TRANSFER_TIMEOUT_S)
            err.seek(0)
            told = err.read().decode(errors="replace")
        if process.returncode != 0 and _lost(told):
            raise CheckError(f"{self._name}: the connection was lost: {self._reason(told)}")
        self._require(Finished(process.returncode, "", told), what)

    def _client(self, line: str, *, holds: bool = False) -> list[str]:
        return [*self._adb, "shell", line]

    def _reason(self, stderr: str) -> str:
        said = next((each.strip() for each in stderr.splitlines() if each.startswith(("error:", "adb:"))), None)
        line = said or last_line(stderr) or "adb ended without a word"
        hint = next((hint for text, hint in _HINTS.items() if text in line), None)
        line = line.removeprefix("adb: ").removeprefix("error: ")
        return line + (f"; {hint}" if hint else "")


def _lost(stderr: str) -> bool:
    return any(text in stderr for text in ("error: device", "error: closed", "no devices", "failed to read copy"))


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
