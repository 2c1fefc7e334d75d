"""Which edgebench a device needs."""

import platform
import threading
from pathlib import Path

from edgewright_train.errors import InputError

from ..building.host import ROOT, build_host

_BUILD = ROOT / "build"
_NAMES = {"arm64": "aarch64", "armv7l": "armv7", "armv8l": "armv7"}  # armv8l: 32 bits on a 64-bit CPU
_CROSS = ("aarch64", "armv7")
_building = threading.Lock()  # devices are measured at the same time


def binary_for(architecture: str) -> Path:
    """For what `uname -m` says, or a lab.toml; this machine's own is built when needed.

    Raises `InputError` naming the command that builds it.
    """
    if architecture == platform.machine():
        with _building:
            return build_host()
    name = _NAMES.get(architecture, architecture)
    if name not in _CROSS:
        known = ", ".join(dict.fromkeys((platform.machine(), *_CROSS)))
        raise InputError(f"no edgebench is built for the architecture {architecture}; there are: {known}")
    binary = _BUILD / f"_edge-{name}" / "edgebench"
    if not binary.is_file():
        raise InputError(f"edgebench is not built for {name}; run: make edge-rpi ARCH={name}")
    return binary
