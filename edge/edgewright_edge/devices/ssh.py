"""A board over ssh, by OpenSSH's client: keys, ports, jumps and names come from its own configuration.

`EDGEWRIGHT_SSH_CONFIG` names another configuration file than `~/.ssh/config`.
"""

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from edgewright_train.errors import CheckError

from .address import SshAddress
from .connection import OUT, PROGRAM
from .fetched import plain_name, write_fetched
from .remote import Remote, last_line
from .scripts import PACK_UP, UNPACK, command_line

_OPTIONS = (
    "BatchMode=yes",  # never asks: a question would wait for ever
    "ConnectTimeout=10",
    "ConnectionAttempts=1",
    "ServerAliveInterval=10",  # a connection that is gone is noticed after half a minute
    "ServerAliveCountMax=3",
    "LogLevel=ERROR",
    "ControlPersist=no",  # a connection that stays would keep our pipes open
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
)
_MAX_CONTROL_PATH = 80  # of 108 that a socket's may have; ssh makes a longer one first
_HINTS = {
    "Host key verification failed": "connect once by hand, ssh -p PORT USER@HOST, and compare its key",
    "Permission denied (": "it must let you in by a key without asking: docs/devices.md",
}


class SshConnection(Remote):
    """See `Connection`.  Asks to be let in once: the process that holds the folder shares its connection."""

    def __init__(self, address: SshAddress, name: str, parent: str) -> None:
        super().__init__(name, parent)
        self._address = address

    def __enter__(self) -> "SshConnection":
        self._control = tempfile.TemporaryDirectory(prefix="edgewright-ssh-")
        try:
            super().__enter__()
        except BaseException:
            self._control.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, traceback)
        finally:
            self._control.cleanup()

    def put(self, files: Mapping[str, Path]) -> None:
        with tempfile.TemporaryFile() as err:
            process = self._start(command_line(UNPACK, self.folder), err, subprocess.DEVNULL)
            with self._limited(process):
                try:
                    assert process.stdin is not None
                    with tarfile.open(fileobj=process.stdin, mode="w|", format=tarfile.GNU_FORMAT) as archive:
                        for name, path in files.items():
                            _add(archive, name, path)
                except BrokenPipeError:
                    pass  # tar, or ssh, has ended: it said why
            self._require(self._finished(err), "cannot copy files there")

    def fetch(self, into: Path) -> None:
        with tempfile.TemporaryFile() as err:
            process = self._start(command_line(PACK_UP, self.folder, OUT), err, subprocess.PIPE)
            with self._limited(process):
                problem = self._read_archive(process, into)
            self._require(self._finished(err), "cannot fetch the results")
            if problem is not None:
                raise CheckError(f"{self._name}: sent no whole tar file: {problem}")

    def _read_archive(self, process: "subprocess.Popen[bytes]", into: Path) -> tarfile.TarError | None:
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    if member.isreg():
                        data = archive.extractfile(member)
                        assert data is not None
                        write_fetched(data, member.size, into / plain_name(member.name, self._name), self._name)
        except tarfile.TarError as error:
            return error
        return None

    def _client(self, line: str, *, holds: bool = False) -> list[str]:
        config, address, control = os.environ.get("EDGEWRIGHT_SSH_CONFIG"), self._address, f"{self._control.name}/s"
        shared = len(control) <= _MAX_CONTROL_PATH
        options = (
            *_OPTIONS,
            f"ControlPath={control if shared else 'none'}",
            f"ControlMaster={'yes' if holds and shared else 'no'}",
        )
        return [
            "ssh",
            *(["-F", config] if config else []),
            *(part for option in options for part in ("-o", option)),
            *(["-p", str(address.port)] if address.port else []),
            *(["-l", address.user] if address.user else []),
            "--",
            address.host,
            line,
        ]

    def _reason(self, stderr: str) -> str:
        line = last_line(stderr) or "ssh ended without a word"
        hint = next((hint for text, hint in _HINTS.items() if text in line), None)
        return f"{line.removeprefix('ssh: ')}" + (f"; {hint}" if hint else "")


def _add(archive: tarfile.TarFile, name: str, path: Path) -> None:
    """Nothing of the file but its bytes: owner, time and mode are ours to choose."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o700 if name == PROGRAM else 0o600
    with path.open("rb") as file:
        entry.size = os.fstat(file.fileno()).st_size
        archive.addfile(entry, file)
