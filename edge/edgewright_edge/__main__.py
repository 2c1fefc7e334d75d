"""`edgewright-bench`: the latency of a pack, or of every pack of a model, on this machine."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import InputError

from .device import num_cores

_MAX_RUNS = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 measured, 1 a pack is damaged or its runtime crashed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-bench",
        description="Measure packs on this machine: NCNN with edgebench (C++, built when needed), TFLite and ONNX from "
        "Python with the same statistics.  Every result is added to results.sqlite and written to build/bench/.",
        epilog="example: edgewright-bench --model yolo-fastestv2 --threads 1,4 --json out.json",
    )
    parser.add_argument("--pack", type=Path, help="a pack's folder")
    parser.add_argument("--model", help="or a model: every pack in build/<model>/")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where packs are (default: build)")
    parser.add_argument("--device", default="host", help="what to measure on (default and only choice: host)")
    parser.add_argument("--threads", help="thread counts, for example 1,4 (default: 1 and 4, or what the machine has)")
    parser.add_argument("--warmup", type=_at_least(0), default=20, help="runs before the measured ones (default: 20)")
    parser.add_argument("--runs", type=_at_least(50), default=200, help="measured runs, at least 50 (default: 200)")
    parser.add_argument("--results", type=Path, default=Path("results.sqlite"), help="database to add to")
    parser.add_argument("--json", help="also write the results there; - for standard output instead of the table")
    return run_command(parser, _bench, argv)


def _bench(arguments: argparse.Namespace) -> int:
    if arguments.device != "host":
        raise InputError(f"DEVICE={arguments.device}: this version measures on the host only")
    if arguments.pack is None and arguments.model is None:
        raise InputError("give either PACK= or MODEL=")
    from edgewright_train.progress import counted  # noqa: PLC0415 (keeps --help fast)

    from .bench import as_text, bench_packs, find_packs  # noqa: PLC0415
    from .results import as_record, store_result, write_record  # noqa: PLC0415

    thread_counts = _thread_counts(arguments.threads)
    folders = [arguments.pack] if arguments.pack else find_packs(arguments.model, arguments.build)
    run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    rows = []
    with counted("measuring") as progress:
        for row in bench_packs(folders, thread_counts, warmup=arguments.warmup, runs=arguments.runs):
            rows.append(row)
            progress(len(rows), len(folders))
            if row.result is not None:
                store_result(arguments.results, run, row.pack, row.result)
                write_record(arguments.build / "bench", run, row.pack, row.result)
    measured = [as_record(run, row.pack, row.result) for row in rows if row.result is not None]
    if not measured:
        raise InputError(f"{rows[0].pack.path}: {rows[0].reason}")
    emit(as_text(rows, thread_counts), {"run": run, "packs": measured}, arguments.json)
    return 0


def _thread_counts(text: str | None) -> tuple[int, ...]:
    """The given counts, each at most the machine's cores; else 1 and 4, or what the machine has."""
    cores = num_cores()
    if text is None:
        return (1,) if cores == 1 else (1, min(4, cores))
    counts = tuple(int(part) if part.strip().isdecimal() else 0 for part in text.split(","))
    for given, count in zip(text.split(","), counts, strict=True):
        if not 1 <= count <= cores:
            raise InputError(f"THREADS={given.strip()}: give a number from 1 to {cores}, the cores of this machine")
    return counts


def _at_least(minimum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) <= _MAX_RUNS:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {minimum} to {_MAX_RUNS}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
