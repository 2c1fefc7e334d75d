"""zig as a C and C++ compiler for ARM Linux with musl, which understands the options of gcc that ncnn tries.

    python -m edgewright_edge.building.zig_compiler ZIG c++ aarch64 ARGUMENTS...

zig takes the CPU's extensions from -mcpu, in names of its own, and refuses gcc's -march.  ncnn asks the compiler what
it can do and leaves out, without a word, the kernels whose options are refused: those in half precision and with dot
products among them.
"""

import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_train.errors import InputError

# architecture -> zig's target, and the CPU that every program runs on
_TARGETS = {
    "aarch64": ("aarch64-linux-musl", "generic"),
    "armv7": ("arm-linux-musleabihf", "cortex_a7"),  # Raspberry Pi 2
}
_MARCH = re.compile(r"-march=armv8(?:\.(\d))?-a((?:\+\w+)*)")
_EXTENSIONS = {"fp16": "fullfp16"}  # gcc's name -> zig's, where they differ


def zig_arguments(arguments: Sequence[str], architecture: str) -> list[str]:
    """`arguments` of gcc as zig takes them."""
    target, cpu = _TARGETS[architecture]
    translated = []
    for argument in arguments:
        if match := _MARCH.fullmatch(argument):
            extensions = [_EXTENSIONS.get(name, name) for name in match[2].split("+")[1:]]
            level = f"v8_{match[1]}a" if match[1] else "v8a"
            cpu = "+".join([cpu, level, *extensions])
        elif not argument.startswith(("-march=armv7", "-mfpu=", "-mfloat-abi=")):  # the target says so
            translated.append(argument)
    return ["-target", target, f"-mcpu={cpu}", *translated]


def write_compilers(folder: Path, architecture: str) -> None:
    """Programs `cc`, `c++`, `ar` and `ranlib` in `folder`.  Raises `InputError` when zig is not installed."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise InputError("LIBC=musl: ziglang is not installed; pip install 'edgewright[musl]'")
    zig = Path(spec.origin).parent / "zig"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cc", "c++", "ar", "ranlib"):
        if name in ("ar", "ranlib"):
            command = [str(zig), name]
        else:
            command = [sys.executable, "-m", "edgewright_edge.building.zig_compiler", str(zig), name, architecture]
        script = f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n'
        path = folder / name
        if not path.is_file() or path.read_text() != script:  # a newer compiler would mean to build everything again
            path.write_text(script)
            path.chmod(0o755)


if __name__ == "__main__":
    zig, name, architecture, *arguments = sys.argv[1:]
    os.execv(zig, [zig, name, *zig_arguments(arguments, architecture)])  # noqa: S606
