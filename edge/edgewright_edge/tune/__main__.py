"""`edgewright-tune`: which of a model's packs to use on a device, measured in turns, and why."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import InputError

from ..device import num_cores

_MAX_THREADS = 1024
_RECORDED = -1.0  # no budget was asked for: that of the packs

_DESCRIPTION = """Measure the packs of a model in turns, round by round, so that whatever slows the machine down slows
all of them; then show what each costs, which of them no other beats in everything, and one recommendation with its
reasons.  Packs must come from one checkpoint, at one size."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 measured, 1 a damaged pack or a runtime that crashed, 2 nothing to compare."""
    parser = Parser(
        prog="edgewright-tune",
        description=_DESCRIPTION,
        epilog="example: edgewright-tune --packs build/yolo-fastestv2 --threads 1,2 --json out.json",
    )
    parser.add_argument("--packs", help="packs, or folders of packs, with commas (default: build/<model>)")
    parser.add_argument(
        "--model", default="yolo-fastestv2", help="every pack in build/<model> (default: yolo-fastestv2)"
    )
    parser.add_argument("--build", type=Path, default=Path("build"), help="where packs are (default: build)")
    parser.add_argument(
        "--device",
        default="host",
        help="what to measure on: host (default); or cortex-a53, cortex-a72, cortex-a76: instructions under QEMU",
    )
    parser.add_argument("--threads", default="1,2,4", help="thread counts; those beyond the cores are left out")
    parser.add_argument("--budget", help="largest loss of the metric, 0..1, or any (default: what the packs record)")
    parser.add_argument("--rounds", type=_between(10, 1000), default=40, help="turns of every pack (default: 40)")
    parser.add_argument("--warmup", type=_between(0, 1000), default=2, help="runs at the start of a turn (default: 2)")
    parser.add_argument("--runs", type=_between(1, 1000), default=5, help="measured runs of a turn (default: 5)")
    parser.add_argument("--json", help="also write everything there; - for standard output instead of the table")
    return run_command(parser, _tune, argv)


def _tune(arguments: argparse.Namespace) -> int:
    asked = _budget(arguments.budget)
    kept, left_out = _thread_counts(arguments.threads)
    from edgewright_train.progress import counted  # noqa: PLC0415 (keeps --help fast)

    from .advice import MILLISECONDS  # noqa: PLC0415
    from .compare import compare, recorded_budget  # noqa: PLC0415
    from .instructions import CPUS, count_instructions, wording  # noqa: PLC0415
    from .packs import open_comparable  # noqa: PLC0415
    from .turns import measure_in_turns  # noqa: PLC0415

    if arguments.device not in ("host", *CPUS):
        raise InputError(f"DEVICE={arguments.device}: unknown; choose from: {', '.join(('host', *CPUS))}")
    packs = open_comparable(arguments.packs, arguments.model, arguments.build)
    budget = recorded_budget(packs) if asked == _RECORDED else asked
    if arguments.device == "host":
        times = {"rounds": arguments.rounds, "warmup": arguments.warmup, "runs": arguments.runs}
        with counted("measuring in turns") as progress:
            costs = measure_in_turns(packs, kept, **times, progress=progress)
        cores = f"{num_cores()} core{'s' if num_cores() > 1 else ''}"
        notes = [f"{_listed(left_out)} threads: left out, this machine has {cores}."] if left_out else []
        page = compare(packs, costs, device=f"this machine ({cores})", wording=MILLISECONDS, budget=budget, notes=notes)
    else:
        with counted("counting instructions") as progress:
            costs = count_instructions(packs, arguments.device, progress)
        notes = ["Instructions of one inference on one thread, counted under QEMU: not a time."]
        page = compare(
            packs, costs, device=arguments.device, wording=wording(arguments.device), budget=budget, notes=notes
        )
    emit(page.as_text(), page.as_record(), arguments.json)
    return 0


def _thread_counts(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The counts that this machine has cores for, and the others; each once, ascending."""
    cores, counts = num_cores(), set()
    for part in text.split(","):
        if not part.strip().isdecimal() or not 1 <= int(part) <= _MAX_THREADS:
            raise InputError(f"THREADS={part.strip()}: give numbers from 1 to {_MAX_THREADS}, with commas between them")
        counts.add(int(part))
    kept = tuple(sorted(count for count in counts if count <= cores))
    if not kept:
        raise InputError(f"THREADS={text}: this machine has {cores} cores")
    return kept, tuple(sorted(counts - set(kept)))


def _budget(text: str | None) -> float | None:
    """A number, None for any, or -1 for what the packs record."""
    if text is None:
        return _RECORDED
    if text == "any":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise InputError(f"BUDGET={text}: must be a number from 0 to 1, or any")
    return value


def _listed(counts: Sequence[int]) -> str:
    return ", ".join(str(count) for count in counts)


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
