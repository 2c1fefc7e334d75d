"""An emulated ARM CPU as a device: edgebench for ARM in a folder of this machine, run by QEMU (user-mode emulation)."""

import shutil
from collections.abc import Sequence
from typing import TextIO

from edgewright_train.errors import InputError

from .address import EMULATED, QemuAddress
from .connection import Finished
from .host import HostConnection

_PROGRAMS = {"aarch64": "qemu-aarch64", "armv7": "qemu-arm"}


class QemuConnection(HostConnection):
    """See `Connection`."""

    def __init__(self, address: QemuAddress, name: str, parent: str) -> None:
        super().__init__(name, parent)
        self.architecture = EMULATED[address.cpu]
        self._emulator = (_PROGRAMS[self.architecture], "-cpu", address.cpu)

    def __enter__(self) -> "QemuConnection":
        if shutil.which(self._emulator[0]) is None:
            raise InputError(
                f"{self._name}: {self._emulator[0]} is not installed; run: sudo apt-get install -y qemu-user"
            )
        super().__enter__()
        return self

    def run(self, command: Sequence[str], *, timeout_s: float, show: TextIO | None = None) -> Finished:
        return super().run([*self._emulator, *command], timeout_s=timeout_s, show=show)
