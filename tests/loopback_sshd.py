"""A real sshd on 127.0.0.1 with keys and a configuration of its own, run as the user who runs the tests."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_START_TIMEOUT_S = 20

_SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
AcceptEnv TMPDIR
KbdInteractiveAuthentication no
PermitUserEnvironment no
MaxStartups 100
"""
_CLIENT = """
Host *
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile none
  IdentityFile {folder}/{key}
  IdentitiesOnly yes
  IdentityAgent none
"""
# Its shell may not write files of more than 100 blocks: as a full disk, without one.
_TINY = 'command="trap : XFSZ; trap \\"\\" XFSZ; ulimit -f 100; exec sh -c \\"$SSH_ORIGINAL_COMMAND\\""'


@dataclass(frozen=True)
class Sshd:
    """A running server.  `device` is how a user names it."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def device(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    def config(self, key: str = "key") -> Path:
        """A client's configuration with that key: `key`, `tiny_key` (100 blocks per file) or `unknown_key`."""
        path = self.folder / f"config_{key}"
        path.write_text(_CLIENT.format(folder=self.folder, key=key))
        return path

    def sessions(self) -> list[int]:
        """The processes that serve connections, the oldest first."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(child) for child in path.read_text().split()]

    def kill_session(self, pid: int) -> None:
        """As when the network is gone: neither side can say a word any more."""
        for child in _family(pid):
            if Path(f"/proc/{child}/comm").read_text().startswith("sshd"):
                os.kill(child, signal.SIGKILL)


def _family(pid: int) -> list[int]:
    """The process and those below it, the lowest first."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [*(each for child in below for each in _family(int(child))), pid]


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    assert SSHD is not None
    folder.mkdir()
    for name in ("host_key", "key", "tiny_key", "unknown_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    public = {name: (folder / f"{name}.pub").read_text() for name in ("host_key", "key", "tiny_key")}
    (folder / "authorized_keys").write_text(f"{public['key']}{_TINY} {public['tiny_key']}")
    port = _free_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public['host_key']}")
    (folder / "sshd_config").write_text(_SERVER.format(port=port, folder=folder))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it, as root only
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        _wait_for(port, process, folder / "log")
        yield Sshd(folder, port, process)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"sshd did not start: {log.read_text()}")
