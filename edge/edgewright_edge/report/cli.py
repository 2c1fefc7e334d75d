"""`edgewright-report`: writes everything known of models, packs and trainings as one HTML file."""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import CheckError


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 written, 1 written and a pack in it is damaged or wrong, 2 wrong input."""
    parser = Parser(
        prog="edgewright-report",
        description="Write one self-contained HTML file: training curves, every pack proven again, its accuracy, size "
        "and latency, and what the source and the packs see in the same images.  Missing parts name the command that "
        "makes them.",
        epilog="example: edgewright-report --out build/report.html --data coco.toml",
    )
    parser.add_argument("--out", type=Path, default=Path("build/report.html"), help="default: build/report.html")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where packs are (default: build)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where trainings are (default: runs)")
    parser.add_argument("--results", type=Path, default=Path("results.sqlite"), help="what edgewright-bench measured")
    parser.add_argument("--weights", type=Path, help="the packs' checkpoint (default: found in runs by its SHA-256)")
    parser.add_argument("--data", help="images to show: as for edgewright-train (default: generated images)")
    parser.add_argument("--split", default="val", help="of the data set (default: val)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _report, argv)


def _report(arguments: argparse.Namespace) -> int:
    from edgewright_train.atomic import atomic_file  # noqa: PLC0415 (keeps --help fast)
    from edgewright_train.data.dataset import Dataset  # noqa: PLC0415
    from edgewright_train.data.resolve import open_images  # noqa: PLC0415
    from edgewright_train.models.architecture import Task  # noqa: PLC0415

    from .write_report import Sources, gather, render  # noqa: PLC0415

    @cache
    def images(task: Task) -> Dataset:
        return open_images(arguments.data, arguments.split, task)

    images("detect")  # wrong input is said before any work is done
    report = gather(
        Sources(
            build=arguments.build,
            runs=arguments.runs,
            results=arguments.results,
            weights=arguments.weights,
            images=images,
        )
    )
    with atomic_file(arguments.out) as temporary:
        temporary.write_text(render(report), encoding="utf-8")
    record = {"report": str(arguments.out), "headline": report.headline, "failed": report.num_failed}
    emit(f"{arguments.out}: {report.headline}", record, arguments.json)
    if report.num_failed:
        raise CheckError(f"{arguments.out}: {report.headline}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
