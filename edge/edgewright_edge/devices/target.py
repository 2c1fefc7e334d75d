"""One device to work on: how to reach it, and what to know about it."""

from dataclasses import dataclass

from edgewright_train.errors import InputError

from .adb import AdbConnection
from .address import EMULATED, AdbAddress, Address, HostAddress, QemuAddress, SshAddress
from .connection import Connection
from .host import HostConnection
from .qemu import QemuConnection
from .ssh import SshConnection

DEFAULT_TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Target:
    """`name` stands in messages, tables and the database.

    Attributes:
        architecture: instead of what `uname -m` says.
        runner: the words of a command before edgebench.
        folder: where its private folder is made; empty: the device's folder for temporary files.
        timeout_s: the most that one command may take.
    """

    name: str
    address: Address
    architecture: str | None = None
    runner: tuple[str, ...] = ()
    folder: str = ""
    timeout_s: float = DEFAULT_TIMEOUT_S

    @property
    def is_plain_host(self) -> bool:
        """This machine with nothing special about it, where nothing has to be copied."""
        return self == Target(self.name, HostAddress())


HOST = Target("host", HostAddress())


def connect(target: Target) -> Connection:
    """Not entered yet."""
    match target.address:
        case HostAddress():
            return HostConnection(target.name, target.folder)
        case SshAddress():
            return SshConnection(target.address, target.name, target.folder)
        case AdbAddress():
            return AdbConnection(target.address, target.name, target.folder)
        case QemuAddress():
            return QemuConnection(target.address, target.name, target.folder)


def require_clock(target: Target) -> None:
    """Raises `InputError` for a CPU on which a time means nothing."""
    if isinstance(target.address, QemuAddress):
        cpu = target.address.cpu
        count = f"; make bench-arm CPU={cpu} counts its instructions" if EMULATED[cpu] == "aarch64" else ""
        raise InputError(f"DEVICE={target.name}: {cpu} is emulated, which has no latency{count}")
