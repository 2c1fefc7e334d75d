"""`edgewright-data-check`: read a data set once, say what is in it and what is wrong with it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..command import Parser, emit, run_command

_DESCRIPTION = """\
Read every image and annotation of a data set once and report: how many images, boxes or pixels of which class, the
sizes of images and boxes, what looks odd (the same image twice or in two splits, boxes too thin to learn from), and
every bad record with its file and line or id.  Writes a contact sheet per split: images with what is known of them."""

_EPILOG = """\
examples:
  edgewright-data-check --data=my/dataset.toml
  edgewright-data-check --data=voc.toml --split=train --task=segment --out=build/look --json=found.json

Bad records stop a training with the first ten of them; `--skip-bad` (SKIP_BAD=1) of edgewright-train leaves them out.
docs/data.md describes the formats.  Exit codes: 0 all records are right, 1 some are bad, 2 wrong input."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = Parser(
        prog="edgewright-data-check",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: generated images)")
    parser.add_argument("--split", help="train, val or test (default: all there are)")
    parser.add_argument("--task", choices=("detect", "classify", "segment"), help="default: the data's own")
    parser.add_argument(
        "--out", default="build/data-check", metavar="DIR", help="for contact sheets (build/data-check)"
    )
    parser.add_argument("--json", help="write everything found there as JSON; - for standard output")
    return run_command(parser, _check, argv)


def _check(arguments: argparse.Namespace) -> int:
    from ..data.resolve import list_splits, list_tasks  # noqa: PLC0415
    from ..data_check.check import check_split, find_shared_images  # noqa: PLC0415

    task = arguments.task or list_tasks(arguments.data)[0]
    splits = [arguments.split] if arguments.split else list_splits(arguments.data, task)
    checked = [check_split(arguments.data, split, task, Path(arguments.out)) for split in splits]
    shared = find_shared_images(checked)
    num_bad = sum(len(each.bad) for each in checked)
    paragraphs = [each.text() for each in checked]
    if shared:
        paragraphs.append("\n  ".join((f"in more than one split: {len(shared)} images", *shared[:50])))
    verdict = f"{num_bad} bad records" if num_bad else "no bad records"
    record = {"splits": [each.as_json() for each in checked], "in_several_splits": shared, "bad_records": num_bad}
    emit("\n\n".join((*paragraphs, verdict)), record, arguments.json)
    return 1 if num_bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
