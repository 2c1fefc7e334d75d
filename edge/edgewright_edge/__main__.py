"""`edgewright-bench`: the latency of a pack, or of every pack of a model."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import InputError

from .devices.choose import add_device_options, chosen_target, chosen_targets
from .devices.target import Target

if TYPE_CHECKING:
    from .bench import Row

_MAX_RUNS = 1_000_000
_MAX_SECONDS = 3600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 measured, 1 refused, a pack is damaged or its runtime crashed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-bench",
        description="Measure packs: NCNN with edgebench (C++) on this machine, a board over ssh or a phone over adb; "
        "TFLite and ONNX on this machine, from Python, by the same method.  A time is given only with evidence that "
        "it can be believed, and refused otherwise (exit code 1).  Every result is added to results.sqlite and written "
        "to build/bench/.",
        epilog="example: edgewright-bench --model yolo-fastestv2 --threads 1,4 --json out.json",
    )
    parser.add_argument("--pack", type=Path, help="a pack's folder")
    parser.add_argument("--model", help="or a model: every pack in build/<model>/")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where packs are (default: build)")
    add_device_options(parser)
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
    if arguments.pack is None and arguments.model is None:
        raise InputError("give either PACK= or MODEL=")
    if arguments.sustained is not None:
        return _sustain(arguments)
    from edgewright_train.progress import counted  # noqa: PLC0415 (keeps --help fast)

    from .bench import Row, as_text, find_packs  # noqa: PLC0415
    from .devices.bench_devices import bench_on  # noqa: PLC0415
    from .devices.fleet import exit_code, on_each  # noqa: PLC0415
    from .request import Request, method, thread_counts  # noqa: PLC0415
    from .results import as_record, store_result, write_record  # noqa: PLC0415

    targets = chosen_targets(arguments)
    folders = [arguments.pack] if arguments.pack else find_packs(arguments.model, arguments.build)
    wanted = method(runs=arguments.runs, seconds=arguments.seconds, mlperf=arguments.mlperf)
    run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    rows: list[Row] = []

    def ask(cores: int, machine: str) -> Request:
        return Request(thread_counts(arguments.threads, cores, machine), wanted, arguments.image)

    def measure(target: Target) -> None:
        for row in bench_on(target, folders, ask):
            if row.result is not None:
                store_result(arguments.results, run, row.pack, row.result, row.device)
                write_record(arguments.build / "bench", run, row.pack, row.result, row.device)
            rows.append(row)
            progress(len(rows), len(folders) * len(targets))

    with counted("measuring") as progress:
        outcomes = list(on_each(targets, measure))
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(targets) == 1 and errors:
        raise errors[0]
    for error in errors:
        print(f"edgewright-bench: error: {error}", file=sys.stderr)
    measured = [as_record(run, row.pack, row.result, row.device) for row in rows if row.result is not None]
    if not measured and not errors:
        raise InputError(f"{rows[0].pack.path}: {rows[0].reason}")
    if measured:
        emit(as_text(_in_order(rows, targets)), {"run": run, "packs": measured}, arguments.json)
    refused = not arguments.allow_refused and not all(row.valid for row in rows)
    return exit_code(outcomes) or int(refused)


def _sustain(arguments: argparse.Namespace) -> int:
    from .sustained import parse_duration, sustain  # noqa: PLC0415 (keeps --help fast)

    seconds, target = parse_duration(arguments.sustained), chosen_target(arguments)
    if arguments.pack is None or "," in (arguments.threads or "1"):
        raise InputError(f"SUSTAINED={arguments.sustained}: needs one PACK= and one number of THREADS=")
    show = sys.stderr if arguments.json == "-" else sys.stdout
    curve = sustain(target, arguments.pack, arguments.threads or "1", seconds, show=show)
    emit(f"the last minute's median is {curve['last_to_first']:.3f} of the first's", curve, arguments.json)
    return 0


def _in_order(rows: "Sequence[Row]", targets: Sequence[Target]) -> "list[Row]":
    """Device by device, as they were given; each one's packs as they were measured."""
    names = [target.name for target in targets]
    return sorted(rows, key=lambda row: names.index(row.device))


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
