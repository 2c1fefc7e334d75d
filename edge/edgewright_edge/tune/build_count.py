"""Builds edgecount for 64-bit ARM, and the plugin with which QEMU counts its instructions, under `build/_count`."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from edgewright_train.errors import InputError

from ..building.fetch_ncnn import fetch_ncnn
from ..building.host import ROOT, require_tools, run_logged

QEMU = "qemu-aarch64"
_TOOLS = {
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    QEMU: "qemu-user",
}  # program -> package of Debian and Ubuntu
_SOURCE = ROOT / "edge" / "count"
_BUILD = ROOT / "build" / "_count"
_LOG = _BUILD / "build.log"


@dataclass(frozen=True)
class Counter:
    """What counting needs: the program for ARM, and the plugin for this machine."""

    program: Path
    plugin: Path


def build_count() -> Counter:
    """Build what is not up to date.  Raises `InputError` when a tool is missing."""
    require_counting_tools()
    require_tools()
    if not (_SOURCE / "CMakeLists.txt").is_file():
        raise InputError("edgecount is built from a checkout of edgewright; this installation has no C++ sources")
    source = fetch_ncnn(ROOT / "build" / "_ncnn")
    cache = _BUILD / "CMakeCache.txt"
    if not ((_BUILD / "build.ninja").is_file() and f"={source}\n" in cache.read_text()):
        command = ["cmake", "-G", "Ninja", "-S", str(_SOURCE), "-B", str(_BUILD), f"-DNCNN_SOURCE_DIR={source}"]
        toolchain = f"-DCMAKE_TOOLCHAIN_FILE={_SOURCE / 'aarch64.cmake'}"
        run_logged([*command, toolchain, "-DCMAKE_BUILD_TYPE=Release"], "configuring edgecount", _LOG)
    run_logged(["cmake", "--build", str(_BUILD)], "building edgecount for ARM", _LOG)
    return Counter(_BUILD / "edgecount", _build_plugin())


def require_counting_tools() -> None:
    """Raises `InputError` naming what to install.  Nothing else of edgewright needs it."""
    missing = [program for program in _TOOLS if shutil.which(program) is None]
    if missing:
        packages = " ".join(_TOOLS.values())
        raise InputError(
            f"counting ARM instructions: {missing[0]} is not installed; run: sudo apt-get install -y {packages}"
        )


def _build_plugin() -> Path:
    plugin, source = _BUILD / "libinstructions.so", _SOURCE / "instructions.cpp"
    if not plugin.is_file() or plugin.stat().st_mtime_ns < source.stat().st_mtime_ns:
        compiler = next(name for name in ("c++", "g++", "clang++") if shutil.which(name))
        command = [compiler, "-std=c++17", "-O2", "-shared", "-fPIC", str(source), "-o", str(plugin)]
        run_logged(command, "building the plugin for QEMU", _BUILD / "plugin.log")
    return plugin
