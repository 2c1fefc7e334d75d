"""`edgewright-convert-data`: a data set written in another format."""

import argparse
import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import atomic_dir
from ..command import Parser, emit, run_command
from ..errors import InputError

if TYPE_CHECKING:
    from ..data.problems import Problems
    from ..models.architecture import Task

_FORMATS = ("darknet", "coco", "voc", "webdataset")
_MAX_MEGABYTES = 100_000

_DESCRIPTION = """\
Write a data set in another format.  Images are copied byte for byte.  What the format cannot hold, such as darknet
crowds, is counted and said.  The folder appears whole or not at all, with a dataset.toml that reads it.

  darknet     boxes: a text file per image, and a .data file
  coco        boxes: one json per split
  voc         boxes: an XML file per image, and lists in ImageSets
  webdataset  boxes, classes or masks (TASK): tar files, for data on many machines"""

_EPILOG = """\
examples:
  edgewright-convert-data --data=VOC/dataset.toml --format=coco --out=data/voc-as-coco
  edgewright-convert-data --data=camvid.toml --task=segment --format=webdataset --out=data/camvid-shards
  edgewright-convert-data --data=instances.json --split=val --format=darknet --out=data/yolo"""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = Parser(
        prog="edgewright-convert-data",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: generated images)")
    parser.add_argument("--format", required=True, choices=_FORMATS, help="to write")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write; must not hold anything")
    parser.add_argument("--split", help="only this one; what to call the images of data without splits")
    parser.add_argument(
        "--task", choices=("detect", "classify", "segment"), help="webdataset: which truth (the data's own)"
    )
    parser.add_argument("--shard-megabytes", type=int, default=1000, help="webdataset: a tar file ends after it (1000)")
    parser.add_argument(
        "--skip-bad", nargs="?", const="1", choices=("0", "1"), default="0", help="leave bad records out"
    )
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _convert, argv)


def _convert(arguments: argparse.Namespace) -> int:
    from ..convert_data.to_coco import write_coco  # noqa: PLC0415
    from ..convert_data.to_darknet import write_darknet  # noqa: PLC0415
    from ..convert_data.to_shards import shard_writer  # noqa: PLC0415
    from ..convert_data.to_voc import write_voc  # noqa: PLC0415
    from ..data.problems import Problems  # noqa: PLC0415
    from ..data.resolve import list_tasks  # noqa: PLC0415
    from ..progress import counted  # noqa: PLC0415

    out = Path(arguments.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"OUT={out}: holds something already; give another folder")
    if not 1 <= arguments.shard_megabytes <= _MAX_MEGABYTES:
        raise InputError(f"SHARD_MEGABYTES={arguments.shard_megabytes}: must be from 1 to {_MAX_MEGABYTES}")
    task = arguments.task or (list_tasks(arguments.data)[0] if arguments.format == "webdataset" else "detect")
    if task != "detect" and arguments.format != "webdataset":
        raise InputError(f"FORMAT={arguments.format}: holds boxes only; TASK={task} needs FORMAT=webdataset")
    problems = Problems(skip=arguments.skip_bad == "1")
    datasets = _datasets(arguments, task, problems)
    shards = shard_writer(task, arguments.shard_megabytes)
    writers = {"darknet": write_darknet, "coco": write_coco, "voc": write_voc, "webdataset": shards}
    total, done = sum(map(len, datasets.values())), itertools.count(1)
    with atomic_dir(out) as folder, counted("writing images") as report:
        lost = writers[arguments.format](folder, datasets, lambda: report(next(done), total))
    images = {split: len(dataset) for split, dataset in datasets.items()}
    lines = [f"wrote {' and '.join(f'{count} images to {split}' for split, count in images.items())} of {out}"]
    lines += [f"not kept: {count} {what}" for what, count in lost.items() if count]
    lines += [f"left out {len(problems.found)} bad records"] if problems.found else []
    lines.append(f"next: make data-check DATA={shlex.quote(str(out))}")
    record = {"path": str(out.resolve()), "images": images, "lost": dict(+lost), "bad_records": list(problems.found)}
    emit("\n".join(lines), record, arguments.json)
    return 0


def _datasets(arguments: argparse.Namespace, task: "Task", problems: "Problems") -> dict[str, Any]:
    """By split."""
    from ..data.read_all import open_readable  # noqa: PLC0415
    from ..data.resolve import list_splits, open_split  # noqa: PLC0415
    from ..data.splits import ALL, SPLITS  # noqa: PLC0415
    from ..progress import counted  # noqa: PLC0415

    splits = list_splits(arguments.data, task)
    if arguments.split:
        if arguments.split not in SPLITS:
            raise InputError(f"SPLIT={arguments.split}: must be one of {', '.join(SPLITS)}")
        splits = (arguments.split,)
    elif splits == (ALL,):
        raise InputError(f"DATA={arguments.data}: has no splits; SPLIT=train, val or test says what to call its images")
    datasets = {}
    for split in splits:
        if arguments.skip_bad == "1":
            with counted(f"reading {split}") as report:
                datasets[split] = open_readable(arguments.data, split, task, problems, report)
        else:
            datasets[split] = open_split(arguments.data, split, task, problems)
    return datasets


if __name__ == "__main__":
    raise SystemExit(main())
