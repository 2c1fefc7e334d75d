"""`edgewright-matrix`: every network of a list to every target in every precision, proven and measured."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import CheckError, EdgewrightError

from .rows import DEFAULT_ROWS

_DESCRIPTION = """Export every network of a list to onnx, ncnn, tflite and coreml in fp32 and fp16, prove every artefact
against PyTorch, measure it, and write docs/matrix.md.  What is done already, from the same weights and with the same
tools, is not done again: an interrupted matrix goes on where it stopped.  Two conversions run at once."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 all proven, 1 a cell is not, 2 wrong input."""
    parser = Parser(
        prog="edgewright-matrix",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog="example: edgewright-matrix --only dicenet --weights-dir weights/",
    )
    parser.add_argument("--rows", type=Path, default=DEFAULT_ROWS, help="the list (default: the project's own)")
    parser.add_argument("--all", choices=("0", "1"), default="0", help="1: every network of the zoo as well")
    parser.add_argument("--only", default="", help="only networks whose name holds this text")
    parser.add_argument("--weights-dir", type=Path, help="folder of published weights and cfgs that the list names")
    parser.add_argument("--build", type=Path, default=Path("build/matrix"), help="where cells and packs are kept")
    parser.add_argument("--out", type=Path, default=Path("docs/matrix.md"), help="the page (default: docs/matrix.md)")
    parser.add_argument("--json", help="write all cells there as JSON; - for standard output")
    return run_command(parser, _matrix, argv)


def _matrix(arguments: argparse.Namespace) -> int:
    from edgewright_train.atomic import atomic_file  # noqa: PLC0415 (keeps --help fast)

    from .cells import make_cells, missing_targets, read_cells  # noqa: PLC0415
    from .markdown import matrix_markdown  # noqa: PLC0415
    from .prepare import prepare  # noqa: PLC0415
    from .rows import every_row, read_rows  # noqa: PLC0415

    rows = read_rows(arguments.rows)
    rows = every_row(rows) if arguments.all == "1" else rows
    chosen = [row for row in rows if arguments.only in row.network]
    problems = []
    for number, row in enumerate(chosen, 1):
        try:
            prepared = prepare(row, arguments.weights_dir, arguments.build / "sources")
            targets = missing_targets(prepared, arguments.build)
            _say(f"{number}/{len(chosen)} {prepared.name}: {', '.join(targets) or 'done already'}")
            for cell in make_cells(prepared, targets, arguments.build) if targets else ():
                _say(f"  {cell.target}-{cell.precision}: {cell.error or 'proven'}")
        except EdgewrightError as error:
            problems.append(str(error))
            _say(f"{number}/{len(chosen)} {row.network}: {error}")
        with atomic_file(arguments.out) as temporary:
            temporary.write_text(matrix_markdown(read_cells(arguments.build)), encoding="utf-8")
    cells = read_cells(arguments.build)
    failed = [cell for cell in cells if cell.error]
    text = f"{arguments.out}: {len(cells) - len(failed)} of {len(cells)} cells proven"
    emit(text, [cell.model_dump() for cell in cells], arguments.json)
    if failed or problems:
        what = [f"{cell.network} {cell.target}-{cell.precision}: {cell.error}" for cell in failed] + problems
        raise CheckError(f"{len(what)} not proven; the first: {what[0]}")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
