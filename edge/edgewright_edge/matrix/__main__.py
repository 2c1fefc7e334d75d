"""`edgewright-matrix`: every network of a list to every target in every precision, proven and measured."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import CheckError, InputError

_ROWS = Path(__file__).with_name("rows.toml")

_DESCRIPTION = """Export every network of a list to onnx, ncnn, tflite and coreml in fp32 and fp16, prove every artefact
against PyTorch, measure it, and write docs/matrix.md.  What is done already, from the same weights and with the same
tools, is not done again: an interrupted matrix goes on where it stopped, and what failed is tried again.  Two
conversions run at once."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 all proven, 1 a cell is not, 2 wrong input."""
    parser = Parser(
        prog="edgewright-matrix",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog="example: edgewright-matrix --only dicenet --weights-dir weights/",
    )
    parser.add_argument("--rows", type=Path, default=_ROWS, help="the list (default: the project's own)")
    parser.add_argument("--all", choices=("0", "1"), default="0", help="1: every network of the zoo as well")
    parser.add_argument("--only", default="", help='only networks whose "name task" holds this text')
    parser.add_argument("--target", default="all", help="onnx, ncnn, tflite, coreml, several with commas, or all")
    parser.add_argument("--weights-dir", type=Path, help="folder of published weights and cfgs that the list names")
    parser.add_argument("--build", type=Path, default=Path("build/matrix"), help="where cells and packs are kept")
    parser.add_argument("--out", type=Path, default=Path("docs/matrix.md"), help="the page (default: docs/matrix.md)")
    parser.add_argument("--json", help="write all cells there as JSON; - for standard output")
    return run_command(parser, _matrix, argv)


def _matrix(arguments: argparse.Namespace) -> int:
    from edgewright_export.targets import parse_targets, require_tools  # noqa: PLC0415 (torch is slow to import)

    from .cells import read_cells  # noqa: PLC0415
    from .fill import fill  # noqa: PLC0415
    from .rows import choose_rows  # noqa: PLC0415

    targets = parse_targets(arguments.target)
    for target in targets:
        require_tools(target)
    if arguments.weights_dir and not arguments.weights_dir.is_dir():
        raise InputError(f"WEIGHTS_DIR={arguments.weights_dir}: no such folder")
    chosen = choose_rows(arguments.rows, everything=arguments.all == "1", only=arguments.only)
    problems = fill(chosen, targets, weights_dir=arguments.weights_dir, build=arguments.build, page=arguments.out)
    cells = read_cells(arguments.build)
    failed = [f"{cell.network} {cell.pack}: {cell.error}" for cell in cells if cell.error]
    text = f"{arguments.out}: {len(cells) - len(failed)} of {len(cells)} cells proven"
    emit(text, [cell.model_dump() for cell in cells], arguments.json)
    if failed or problems:
        what = [*failed, *problems]
        raise CheckError(f"{len(what)} not proven; the first: {what[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
