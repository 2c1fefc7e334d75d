"""Measures the pre-processing of the C++ core against cv2 and numpy, in turns, or counts its ARM instructions.

    python -m edgewright_edge.pixels                        1920x1080 BGR to 352x352 float planes, beside cv2
    python -m edgewright_edge.pixels --cpu cortex-a72       instructions per frame under QEMU; not a time
    python -m edgewright_edge.pixels --test                 the unit tests of pixels, here and under QEMU

Both sides work on one thread, on equal frames, and must give the same bits.  In every round each runs five times, one
side after the other, and its best time counts; the figure is the median of the rounds' ratios, which holds still on a
machine that does not.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgewright_train.command import Parser, run_command
from edgewright_train.errors import CheckError, InputError

from .building.host import ROOT, require_tools, run_logged

_SOURCE = ROOT / "edge" / "pixels"
_PLUGIN = ROOT / "edge" / "count" / "instructions.cpp"
_RUNS = 5  # of each side in a round
# name -> toolchain file, compiler, emulator
_CROSS = {
    "aarch64": (ROOT / "edge" / "count" / "aarch64.cmake", "aarch64-linux-gnu-g++", "qemu-aarch64"),
    "armv7": (_SOURCE / "armv7.cmake", "arm-linux-gnueabihf-g++", "qemu-arm"),
}
_CPUS = {"cortex-a53": "aarch64", "cortex-a72": "aarch64", "cortex-a76": "aarch64", "cortex-a7": "armv7"}

Size = tuple[int, int]


def build_pixels(target: str = "host", what: str = "edgepixels") -> Path:
    """`what` for `target`, built if not up to date.  Raises `InputError` when a tool is missing."""
    require_tools()
    if not _SOURCE.is_dir():
        raise InputError("edgepixels is built from a checkout of edgewright; this installation has no C++ sources")
    folder, arguments = ROOT / "build" / f"_pixels_{target}", []
    if target in _CROSS:
        toolchain, compiler, emulator = _CROSS[target]
        missing = [tool for tool in (compiler, emulator) if shutil.which(tool) is None]
        if missing:
            raise InputError(f"{target}: {missing[0]} is not installed")
        arguments = [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"]
    if not (folder / "build.ninja").is_file():
        command = ["cmake", "-G", "Ninja", "-S", str(_SOURCE), "-B", str(folder), *arguments]
        run_logged([*command, "-DCMAKE_BUILD_TYPE=Release"], f"configuring {what}", folder / "build.log")
    run_logged(["cmake", "--build", str(folder), "--target", what], f"building {what}", folder / "build.log")
    return folder / what


def run_tests(target: str) -> int:
    """The unit tests of pixels on `target`, emulated where it is another CPU; their exit code."""
    tests = build_pixels(target, "pixel_tests")
    emulator = [_CROSS[target][2]] if target in _CROSS else []
    return subprocess.run([*emulator, str(tests)], check=False).returncode


def _pattern(width: int, height: int) -> NDArray[np.uint8]:
    """The frame of edgepixels."""
    y, x, c = np.ogrid[:height, :width, :3]
    return (37 * x + 101 * y + 59 * c + x * y % 7 * 31).astype(np.uint8)


def _in_python(frame: NDArray[np.uint8], size: Size) -> NDArray[np.float32]:
    """The quickest of the usual ways: resize, planes, then multiply."""
    resized = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(resized.transpose(2, 0, 1)) * np.float32(1 / 255)


def _times_ms(call: Callable[[], object], runs: int) -> list[float]:
    samples = []
    for _ in range(runs):
        began = time.perf_counter_ns()
        call()
        samples.append((time.perf_counter_ns() - began) / 1e6)
    return samples


def compare(source: Size, network: Size, rounds: int, kernels: str | None) -> dict[str, object]:
    """Raises `CheckError` when the two do not give the same bits."""
    cv2.setNumThreads(1)
    frame = _pattern(*source)
    digest = hashlib.sha256(_in_python(frame, network).tobytes()).hexdigest()
    words = [str(side) for side in (*source, *network)] + ([kernels] if kernels else [])
    command = [str(build_pixels()), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            raise InputError(f"edgepixels cannot run with {' '.join(words)}")
        told = json.loads(first)
        if told["sha256"] != digest:
            raise CheckError("the planes of the core are not those of cv2 and numpy")

        def core(runs: int) -> Any:
            process.stdin.write(f"{runs}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return json.loads(process.stdout.readline())  # type: ignore[union-attr]

        def python(runs: int) -> list[float]:
            return _times_ms(lambda: _in_python(frame, network), runs)

        pairs = []
        for number in range(-5, rounds):
            turns = (core, python) if number % 2 else (python, core)
            best = {turn: min(turn(_RUNS)) for turn in turns}
            if number >= 0:
                pairs.append((best[core], best[python]))
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    return {
        "kernels": told["kernels"],
        "source_wh": source,
        "network_wh": network,
        "rounds": rounds,
        "core_ms": median(pair[0] for pair in pairs),
        "cv2_ms": median(pair[1] for pair in pairs),
        "paired_ratio": {"p10": ratios[rounds // 10], "median": median(ratios), "p90": ratios[rounds * 9 // 10]},
    }


def count_instructions(cpu: str, source: Size, network: Size, kernels: str | None) -> int:
    """Of one frame, after the first."""
    target = _CPUS[cpu]
    program, plugin = build_pixels(target), _build_plugin()
    words = [str(side) for side in (*source, *network)] + ([kernels] if kernels else [])

    def executed(runs: int) -> int:
        with tempfile.TemporaryDirectory(prefix="edgewright-count-") as scratch:
            written = Path(scratch) / "count"
            emulator = [_CROSS[target][2], "-cpu", cpu, "-plugin", f"./{plugin.name},out={written}"]
            command = [*emulator, str(program), *words]
            done = subprocess.run(
                command, input=f"{runs}\n", cwd=plugin.parent, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise InputError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
            return int(written.read_text())

    return executed(3) - executed(2)


def _build_plugin() -> Path:
    """For this machine, whatever it counts for."""
    plugin = ROOT / "build" / "_pixels_host" / "libinstructions.so"
    if not plugin.is_file() or plugin.stat().st_mtime_ns < _PLUGIN.stat().st_mtime_ns:
        command = ["c++", "-std=c++17", "-O2", "-shared", "-fPIC", str(_PLUGIN), "-o", str(plugin)]
        run_logged(command, "building the plugin for QEMU", plugin.parent / "plugin.log")
    return plugin


def _size(text: str) -> Size:
    sides = text.split("x")
    if len(sides) != 2 or not all(side.isdigit() and 1 <= int(side) <= 8192 for side in sides):
        raise argparse.ArgumentTypeError(f"{text}: give WIDTHxHEIGHT, each 1 to 8192")
    return int(sides[0]), int(sides[1])


def _rounds(text: str) -> int:
    if not text.isdigit() or not 10 <= int(text) <= 100000:
        raise argparse.ArgumentTypeError(f"{text}: give 10 to 100000")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 a check did not hold, 2 something is missing or wrong."""
    parser = Parser(prog="edgewright_edge.pixels", description="Measure or test the pre-processing of the C++ core.")
    parser.add_argument("--source", type=_size, default=(1920, 1080), help="size of the frame (default 1920x1080)")
    parser.add_argument("--network", type=_size, default=(352, 352), help="size of the planes (default 352x352)")
    parser.add_argument("--rounds", type=_rounds, default=200, help="of turns (default 200)")
    parser.add_argument("--kernels", help="scalar, sse4.1, avx2 or neon; default: the fastest")
    parser.add_argument("--cpu", choices=sorted(_CPUS), help="count instructions of this CPU instead of timing")
    parser.add_argument("--test", choices=["host", *_CROSS], help="run the unit tests of pixels instead")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return run_command(parser, _main, argv)


def _main(arguments: argparse.Namespace) -> int:
    if arguments.test:
        return run_tests(arguments.test)
    if arguments.cpu:
        count = count_instructions(arguments.cpu, arguments.source, arguments.network, arguments.kernels)
        print(f"{count / 1e6:.2f} M instructions per frame (QEMU {arguments.cpu}; not a time)")
        figures: dict[str, object] = {"cpu": arguments.cpu, "instructions": count}
    else:
        figures = compare(arguments.source, arguments.network, arguments.rounds, arguments.kernels)
        ratio = figures["paired_ratio"]
        assert isinstance(ratio, dict)
        print(
            f"core ({figures['kernels']}) {figures['core_ms']:.3f} ms, cv2 and numpy {figures['cv2_ms']:.3f} ms\n"
            f"core / cv2, paired: median {ratio['median']:.3f}  (p10 {ratio['p10']:.3f}, p90 {ratio['p90']:.3f})"
        )
    if arguments.json:
        partial = arguments.json.with_name(f"{arguments.json.name}.partial")
        partial.write_text(json.dumps(figures, indent=2) + "\n")
        partial.replace(arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
