"""`edgewright-bench`: the latency of a pack, or of every pack of a model."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import InputError

from .device import num_cores

_MAX_RUNS = 1_000_000
_MAX_SECONDS = 3600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 measured, 1 refused, a pack is damaged or its runtime crashed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-bench",
        description="Measure packs on this machine: NCNN with edgebench (C++, built when needed), TFLite and ONNX from "
        "Python by the same method.  A time is given only with the evidence that it can be believed, and refused "
        "otherwise (exit code 1).  Every result is added to results.sqlite and written to build/bench/.",
        epilog="example: edgewright-bench --model yolo-fastestv2 --threads 1,4 --json out.json",
    )
    parser.add_argument("--pack", type=Path, help="a pack's folder")
    parser.add_argument("--model", help="or a model: every pack in build/<model>/")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where packs are (default: build)")
    parser.add_argument("--device", default="host", help="what to measure on (default and only choice: host)")
    parser.add_argument("--threads", help="thread counts, for example 1,4 (default: 1 and 4, or what the machine has)")
    parser.add_argument("--image", type=Path, help="a JPEG or PNG file to measure with, its decoding included")
    parser.add_argument("--runs", type=_at_least(1), default=50, help="runs of each of 3 replicates, at least (50)")
    parser.add_argument("--seconds", type=_seconds, default=5.0, help="seconds of each of 3 replicates, at least (5)")
    parser.add_argument("--mlperf", action="store_true", help="1024 runs and 60 seconds instead")
    parser.add_argument("--sustained", help="instead: the latency of one NCNN pack minute by minute, e.g. for 30m")
    parser.add_argument("--allow-refused", action="store_true", help="exit code 0 for refused results, too")
    parser.add_argument("--results", type=Path, default=Path("results.sqlite"), help="database to add to")
    parser.add_argument("--json", help="also write the results there; - for standard output instead of the table")
    return run_command(parser, _bench, argv)


def _bench(arguments: argparse.Namespace) -> int:
    if arguments.device != "host":
        raise InputError(f"DEVICE={arguments.device}: this version measures on the host only")
    if arguments.pack is None and arguments.model is None:
        raise InputError("give either PACK= or MODEL=")
    if arguments.sustained is not None:
        return _sustain(arguments)
    from edgewright_train.progress import counted  # noqa: PLC0415 (keeps --help fast)

    from .bench import as_text, bench_packs, find_packs  # noqa: PLC0415
    from .request import Request, method  # noqa: PLC0415
    from .results import as_record, store_result, write_record  # noqa: PLC0415

    wanted = method(runs=arguments.runs, seconds=arguments.seconds, mlperf=arguments.mlperf)
    request = Request(_thread_counts(arguments.threads), wanted, arguments.image)
    folders = [arguments.pack] if arguments.pack else find_packs(arguments.model, arguments.build)
    run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    rows = []
    with counted("measuring") as progress:
        for row in bench_packs(folders, request):
            rows.append(row)
            progress(len(rows), len(folders))
            if row.result is not None:
                store_result(arguments.results, run, row.pack, row.result)
                write_record(arguments.build / "bench", run, row.pack, row.result)
    measured = [as_record(run, row.pack, row.result) for row in rows if row.result is not None]
    if not measured:
        raise InputError(f"{rows[0].pack.path}: {rows[0].reason}")
    emit(as_text(rows, request), {"run": run, "packs": measured}, arguments.json)
    return 0 if arguments.allow_refused or all(row.valid for row in rows) else 1


def _sustain(arguments: argparse.Namespace) -> int:
    from .sustained import parse_duration, sustain  # noqa: PLC0415 (keeps --help fast)

    seconds, threads = parse_duration(arguments.sustained), _thread_counts(arguments.threads or "1")
    if arguments.pack is None or len(threads) > 1:
        raise InputError(f"SUSTAINED={arguments.sustained}: needs one PACK= and one number of THREADS=")
    show = sys.stderr if arguments.json == "-" else sys.stdout
    curve = sustain(arguments.pack, threads[0], seconds, show=show)
    emit(f"the last minute's median is {curve['last_to_first']:.3f} of the first's", curve, arguments.json)
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


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_MAX_SECONDS:.0f}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
