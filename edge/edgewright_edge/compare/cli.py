"""`edgewright-compare`: trainings side by side, as a table and as curves."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command, share_cores
from edgewright_train.errors import InputError

_MOST_RUNS = 8  # as many colours as curves have


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 compared, 2 wrong input."""
    parser = Parser(
        prog="edgewright-compare",
        description="Print trainings side by side: task, network, data, best figures, speed, time, parameters and the "
        "keys in which their recipes differ.  Their curves are drawn into one self-contained HTML file.",
        epilog='example: edgewright-compare --names "first second other/runs/third" --out build/compare.html',
    )
    parser.add_argument("--names", help="of runs, or paths of their folders, with spaces between them")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where trainings are (default: runs)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/compare.html"), help="the curves (default: build/compare.html)"
    )
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _compare, argv)


def _compare(arguments: argparse.Namespace) -> int:
    names = _names(arguments.names or "")
    share_cores()
    from edgewright_train.atomic import atomic_file  # noqa: PLC0415 (keeps --help fast)

    from .page import render  # noqa: PLC0415
    from .run import find_run, read_run  # noqa: PLC0415
    from .table import as_record, as_text  # noqa: PLC0415

    folders = [find_run(name, arguments.runs) for name in names]
    for index, folder in enumerate(folders):
        if folder.path.resolve() in (other.path.resolve() for other in folders[:index]):
            raise InputError(f"RUNS: {names[index]}: given twice")
    runs = [read_run(name, folder) for name, folder in zip(names, folders, strict=True)]
    page = render(runs)
    with atomic_file(arguments.out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    text = f"{as_text(runs)}\ncurves: {arguments.out}"
    emit(text, {**as_record(runs), "curves": str(arguments.out)}, arguments.json)
    return 0


def _names(text: str) -> list[str]:
    """Quotes keep a path with spaces together."""
    try:
        names = shlex.split(text)
    except ValueError:
        raise InputError(f"RUNS={text}: a quote is not closed") from None
    if not 2 <= len(names) <= _MOST_RUNS:
        raise InputError(f'RUNS={text}: give 2 to {_MOST_RUNS} runs with spaces between them, such as RUNS="a b"')
    return names


if __name__ == "__main__":
    sys.exit(main())
