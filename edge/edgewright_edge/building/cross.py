"""Builds edgebench for the Raspberry Pi: one static program, which runs on any ARM Linux of that width.

    python -m edgewright_edge.building.cross --arch aarch64              64 bits, glibc
    python -m edgewright_edge.building.cross --arch armv7 --libc musl    32 bits, musl, by zig
    python -m edgewright_edge.building.cross --arch aarch64 --pack DIR   with the layers of this pack only: smaller

The result is `build/_edge-<arch>/edgebench`; with --libc musl or --pack the folder says so.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright_export.pack import open_pack
from edgewright_train.command import Parser, run_command
from edgewright_train.errors import InputError

from .fetch_jpeg import fetch_jpeg
from .fetch_ncnn import fetch_ncnn
from .host import ROOT, require_tools, run_logged
from .pack_layers import layers_of
from .package_deb import package_deb
from .zig_compiler import write_compilers

_EDGE = ROOT / "edge"
_BUILD = ROOT / "build"
LIBCS = ("glibc", "musl")


@dataclass(frozen=True)
class Architecture:
    """`name` as `uname -m` has it, but for the letter behind armv7."""

    name: str
    debian: str
    compiler: str
    package: str  # of Debian and Ubuntu, with the compiler
    processor: str  # CMake's


ARCHITECTURES = {
    "aarch64": Architecture("aarch64", "arm64", "aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu", "aarch64"),
    "armv7": Architecture("armv7", "armhf", "arm-linux-gnueabihf-g++", "g++-arm-linux-gnueabihf", "armv7l"),
}


_DEBIAN_NAMES = {architecture.debian: architecture.name for architecture in ARCHITECTURES.values()}


def build_cross(name: str, *, libc: str = "glibc", pack: Path | None = None, with_tests: bool = False) -> Path:
    """Build what is not up to date; the path of edgebench.  Raises `InputError` when a tool is missing.

    `with_tests`: also `edge_driver` and `edge_tests`, beside it.
    """
    if not (_EDGE / "CMakeLists.txt").is_file():
        raise InputError("edgebench is built from a checkout of edgewright; this installation has no C++ sources")
    require_tools()
    architecture = ARCHITECTURES[name]
    folder = _BUILD / f"_edge-{name}{'-musl' if libc == 'musl' else ''}"
    options = _pack_options(pack) if pack else []
    if pack:
        manifest = open_pack(pack).manifest
        folder = folder.with_name(f"{folder.name}-{manifest.model}-{manifest.target}-{manifest.precision}")
    options += _musl_options(architecture) if libc == "musl" else _glibc_options(architecture, small=pack is not None)
    source = fetch_ncnn(_BUILD / "_ncnn")
    command = ["cmake", "-G", "Ninja", "-S", str(_EDGE), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release", *options]
    run_logged([*command, f"-DNCNN_SOURCE_DIR={source}"], f"configuring for {name}", folder / "build.log")
    targets = ["edgebench", *(["edge_driver", "edge_tests"] if with_tests else [])]
    run_logged(
        ["cmake", "--build", str(folder), "--target", *targets],
        f"building edgebench for {name}",
        folder / "build.log",
    )
    return folder / "edgebench"


def _glibc_options(architecture: Architecture, *, small: bool) -> list[str]:
    """`small`: without libjpeg, which is 200 kB."""
    if shutil.which(architecture.compiler) is None:
        raise InputError(
            f"{architecture.compiler} is not installed; run: sudo apt-get install -y {architecture.package}"
        )
    options = [f"-DCMAKE_TOOLCHAIN_FILE={_EDGE / 'cmake' / f'toolchain-{architecture.name}.cmake'}"]
    without_jpeg = [*options, "-DEDGEWRIGHT_JPEG_DIR="]  # an earlier build may have had it
    if small:
        return without_jpeg
    try:
        jpeg = fetch_jpeg(_BUILD / "_jpeg", architecture.debian)
    except InputError as error:
        print(f"{error}; JPEG files are decoded by stb_image, pixels differ by a few levels", file=sys.stderr)
        return without_jpeg
    return [*options, f"-DEDGEWRIGHT_JPEG_DIR={jpeg}"]


def _musl_options(architecture: Architecture) -> list[str]:
    """Debian's libjpeg is made for glibc: stb_image decodes."""
    tools = _BUILD / "_zig" / architecture.name
    write_compilers(tools, architecture.name)
    programs = {"C_COMPILER": "cc", "CXX_COMPILER": "c++", "AR": "ar", "RANLIB": "ranlib"}
    return [
        "-DCMAKE_SYSTEM_NAME=Linux",
        f"-DCMAKE_SYSTEM_PROCESSOR={architecture.processor}",
        *(f"-DCMAKE_{variable}={tools / program}" for variable, program in programs.items()),
    ]


def _pack_options(path: Path) -> list[str]:
    layers, has_int8 = layers_of(open_pack(path))
    return [
        f"-DEDGEWRIGHT_PACK_LAYERS={';'.join(sorted(layers))}",
        f"-DEDGEWRIGHT_NCNN_INT8={'ON' if has_int8 else 'OFF'}",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 2 when something is missing or wrong."""
    parser = Parser(prog="edgewright_edge.building.cross", description="Build edgebench for the Raspberry Pi.")
    names = [*ARCHITECTURES, *_DEBIAN_NAMES]  # make deb speaks of them as Debian does
    parser.add_argument("--arch", choices=names, default="aarch64", help="default: aarch64")
    parser.add_argument("--libc", choices=LIBCS, default="glibc", help="musl needs edgewright[musl] (default: glibc)")
    parser.add_argument("--pack", type=Path, help="build in the layers of this pack only")
    parser.add_argument("--deb", action="store_true", help="also write a Debian package")
    parser.add_argument("--tests", action="store_true", help="also the unit tests, to be run under QEMU")
    return run_command(parser, _main, argv)


def _main(arguments: argparse.Namespace) -> int:
    name = _DEBIAN_NAMES.get(arguments.arch, arguments.arch)
    binary = build_cross(name, libc=arguments.libc, pack=arguments.pack, with_tests=arguments.tests)
    print(f"{binary}  {binary.stat().st_size:,} bytes")
    if arguments.deb:
        package = package_deb(binary, ARCHITECTURES[name].debian, _BUILD)
        print(f"{package}  {package.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
