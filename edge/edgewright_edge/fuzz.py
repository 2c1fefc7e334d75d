"""Fuzzes what the C++ core reads from others: manifests, images, networks and what they give, golden vectors.

    python -m edgewright_edge.fuzz --seconds=600            every target of edge/fuzz, one after the other
    python -m edgewright_edge.fuzz --only=decode

The targets are built with libFuzzer, ASan and UBSan under `build/_fuzz`.  `build/_fuzz/corpus/<target>` starts with
the seeds of tests/fuzz_seeds.py and keeps what covers more; inputs that break a target lie in
`build/_fuzz/crashes/<target>`, and the program `build/_fuzz/build/<compiler>/fuzz_<target> FILE` repeats one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright_train.command import Parser, run_command
from edgewright_train.errors import CheckError, InputError

from .building.fetch_ncnn import fetch_ncnn
from .building.host import ROOT, require_tools, run_logged

_FUZZ = ROOT / "build" / "_fuzz"
_NCNN_BUILD = ROOT / "build" / "_edge" / "ncnn"
# target -> the longest input, bytes
TARGETS = {"manifest": 8192, "image": 4096, "decode": 4096, "ncnn": 4096, "safetensors": 4096}
_LIMITS = ("-rss_limit_mb=2048", "-timeout=10")
_COMPILERS = ("clang++-19", "clang++", *(f"clang++-{version}" for version in range(24, 13, -1)))
_PACKAGES = "clang-19 libclang-rt-19-dev"


@dataclass(frozen=True)
class Fuzzed:
    """What a run of one target came to.  `reproducer`: the input that broke it."""

    target: str
    num_executions: int
    num_edges: int
    reproducer: Path | None

    def __str__(self) -> str:
        end = f"  {self.reproducer}" if self.reproducer else ""
        return f"{self.target:<12}{self.num_executions:>12} executions{self.num_edges:>8} edges{end}"


def find_clang() -> str | None:
    """A clang++ that links libFuzzer."""
    for name in _COMPILERS:
        compiler = shutil.which(name)
        if compiler is None:
            continue
        runtime = f"libclang_rt.fuzzer-{os.uname().machine}.a"
        command = [compiler, f"-print-file-name={runtime}"]
        printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if Path(printed).is_file():
            return compiler
    return None


def build_targets() -> Path:
    """The folder of the programs.  Raises `InputError` when something that they are built from is missing."""
    require_tools()
    compiler = find_clang()
    if compiler is None:
        raise InputError(f"there is no clang++ with libFuzzer; run: sudo apt-get install -y {_PACKAGES}")
    if not (_NCNN_BUILD / "src" / "libncnn.a").is_file():
        raise InputError(f"{_NCNN_BUILD / 'src' / 'libncnn.a'}: no such file; run: make edge")
    build = _FUZZ / "build" / Path(compiler).name  # a change of compilers makes CMake forget what it was told
    configure = ["cmake", "-G", "Ninja", "-S", str(ROOT / "edge" / "fuzz"), "-B", str(build)]
    configure += [f"-DCMAKE_CXX_COMPILER={compiler}", f"-DNCNN_BUILD_DIR={_NCNN_BUILD}"]
    configure += [f"-DNCNN_SOURCE_DIR={fetch_ncnn(ROOT / 'build' / '_ncnn')}"]
    run_logged(configure, "configuring", _FUZZ / "build.log")
    run_logged(["cmake", "--build", str(build)], "building fuzz targets", _FUZZ / "build.log")
    return build


def write_seeds() -> Path:
    """The folder with a corpus per target; what fuzzing has added to it stays."""
    corpus = _FUZZ / "corpus"
    command = [sys.executable, str(ROOT / "tests" / "fuzz_seeds.py"), str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckError(f"no seeds: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return corpus


def fuzz(program: Path, corpus: Path, seconds: int) -> Fuzzed:
    """Run `program` on what is in `corpus` and on mutations of it.

    Raises `CheckError` when it fails without an input that makes it fail.
    """
    target = program.name.removeprefix("fuzz_")
    crashes = _FUZZ / "crashes" / target
    crashes.mkdir(parents=True, exist_ok=True)
    command = [str(program), str(corpus), f"-max_total_time={seconds}", f"-max_len={TARGETS[target]}", *_LIMITS]
    command += [f"-artifact_prefix={crashes}/", "-print_final_stats=1"]
    words = corpus.with_suffix(".dict")
    command += [f"-dict={words}"] if words.is_file() else []
    log = _FUZZ / f"{target}.log"
    with log.open("w") as file:
        # A request that cannot be met gives null, as without ASan; ncnn is asked for its answer to that.
        environment = {**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1", "OMP_NUM_THREADS": "1"}
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False).returncode
    text = log.read_text(errors="replace")
    written = re.search(r"Test unit written to (.+)", text)
    if code != 0 and written is None:
        raise CheckError(f"fuzz_{target} ended with exit code {code} (log: {log})")
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    edges = re.findall(r" cov: (\d+) ", text)
    return Fuzzed(
        target=target,
        num_executions=int(executions[1]) if executions else 0,
        num_edges=int(edges[-1]) if edges else 0,
        reproducer=Path(written[1]) if written else None,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 nothing was found, 1 a target broke, 2 something is missing."""
    parser = Parser(prog="edgewright_edge.fuzz", description="Fuzz the C++ core.")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--only", choices=sorted(TARGETS), help="one target")
    return run_command(parser, _main, argv)


def _main(arguments: argparse.Namespace) -> int:
    if arguments.seconds < 1:
        raise InputError(f"seconds: {arguments.seconds} is not at least 1")
    build, corpus = build_targets(), write_seeds()
    found = []
    for target in [arguments.only] if arguments.only else TARGETS:
        found.append(fuzz(build / f"fuzz_{target}", corpus / target, arguments.seconds))
        print(found[-1], flush=True)
    broken = [str(each.reproducer) for each in found if each.reproducer]
    if broken:
        raise CheckError(f"inputs that break a target: {', '.join(broken)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
