"""Builds edgebench and its unit tests for this machine, under `build/_edge`; ncnn is fetched first.

    python -m edgewright_edge.building.host               edgebench and the unit tests
    python -m edgewright_edge.building.host --sanitize    the unit tests under ASan and UBSan, built and run
    python -m edgewright_edge.building.host --threads     two models at once under TSan, ncnn included, built and run

A build that is up to date takes a moment.  The compiler's output goes to a log file, progress to the terminal.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_train.command import Parser, run_command
from edgewright_train.errors import InputError
from edgewright_train.progress import counted

from .fetch_ncnn import fetch_ncnn

ROOT = Path(__file__).resolve().parents[3]
_BUILD = ROOT / "build" / "_edge"
_TSAN_BUILD = ROOT / "build" / "_edge_tsan"
# One instruction set is enough, and OpenMP's own synchronisation is invisible to TSan.
_TSAN_OPTIONS = (
    "-DCMAKE_C_FLAGS=-fsanitize=thread -g1",
    "-DCMAKE_CXX_FLAGS=-fsanitize=thread -g1",
    "-DCMAKE_CXX_FLAGS_RELEASE=-O1",
    "-DNCNN_OPENMP=OFF",
    "-DNCNN_RUNTIME_CPU=OFF",
    "-DNCNN_AVX=OFF",
)
_PACKAGES = ROOT / "tools" / "apt-packages.txt"
_STEP = re.compile(r"^\[\s*(\d+)/(\d+)\]")  # as ninja counts


def build_host() -> Path:
    """Build what is not up to date; the path of edgebench.  Raises `InputError` when a tool or a library is missing."""
    _configure(_BUILD)
    _compile(_BUILD, "all")
    return _BUILD / "edgebench"


def run_sanitized_tests() -> int:
    """Build the unit tests with ASan and UBSan and run them; their exit code."""
    _configure(_BUILD)
    _compile(_BUILD, "edge_tests_sanitized")
    return subprocess.run([str(_BUILD / "edge_tests_sanitized")], check=False).returncode


def run_threads_under_tsan() -> int:
    """Build two models at once with TSan, ncnn included, and run them; their exit code."""
    _configure(_TSAN_BUILD, *_TSAN_OPTIONS)
    _compile(_TSAN_BUILD, "edge_threads")
    return subprocess.run([str(_TSAN_BUILD / "edge_threads")], check=False).returncode


def _configure(build: Path, *options: str) -> None:
    if not (ROOT / "edge" / "CMakeLists.txt").is_file():
        raise InputError("edgebench is built from a checkout of edgewright; this installation has no C++ sources")
    require_tools()
    source = fetch_ncnn(ROOT / "build" / "_ncnn")
    cache = build / "CMakeCache.txt"
    if (build / "build.ninja").is_file() and f"={source}\n" in cache.read_text():
        return  # ninja configures again by itself when a CMake file changed
    command = ["cmake", "-G", "Ninja", "-S", str(ROOT / "edge"), "-B", str(build), *options]
    command += ["-DCMAKE_BUILD_TYPE=Release", f"-DNCNN_SOURCE_DIR={source}"]
    run_logged(command, "configuring", build / "build.log")


def require_tools() -> None:
    """Raises `InputError` when something that every build needs is not installed."""
    for tools in (("cmake",), ("ninja",), ("c++", "g++", "clang++")):
        if not any(shutil.which(tool) for tool in tools):
            raise InputError(f"edgebench cannot be built: {tools[0]} is not installed; run: {_apt_line()}")


def _apt_line() -> str:
    return f"sudo apt-get install -y {' '.join(_PACKAGES.read_text().split())}"


def _compile(build: Path, target: str) -> None:
    run_logged(["cmake", "--build", str(build), "--target", target], "building edgebench", build / "build.log")


def run_logged(command: list[str], what: str, log: Path) -> None:
    """Its output goes to `log`, which is replaced.  Raises `InputError` with the first error in it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file, counted(what) as report:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if step := _STEP.match(line):
                report(int(step[1]), int(step[2]))
        code = process.wait()
    if code != 0:
        lines = log.read_text().splitlines()
        reason = next((line.strip() for line in lines if "rror" in line), f"exit code {code}")
        raise InputError(f"{what} failed: {reason} (log: {log}; a missing library: {_apt_line()})")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 built, and the tests passed; 2 something is missing."""
    parser = Parser(prog="edgewright_edge.building.host", description="Build edgebench for this machine.")
    parser.add_argument("--sanitize", action="store_true", help="build the unit tests with ASan and UBSan and run them")
    parser.add_argument("--threads", action="store_true", help="build two models at once with TSan and run them")
    return run_command(parser, _main, argv)


def _main(arguments: argparse.Namespace) -> int:
    if arguments.sanitize:
        return run_sanitized_tests()
    if arguments.threads:
        return run_threads_under_tsan()
    print(build_host())
    return 0


if __name__ == "__main__":
    sys.exit(main())
