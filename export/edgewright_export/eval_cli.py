"""`edgewright-eval`: the task metric of a pack, run through its own files, of a checkpoint, or of a device's finds."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewright_train.command import Parser, emit, run_command, share_cores
from edgewright_train.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 evaluated, 1 the pack is damaged or crashed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-eval",
        description="Print COCO's AP of a pack or a checkpoint run over labelled images, or of what a device found.",
        epilog="example: edgewright-eval --pack build/yolo-fastestv2/ncnn-fp16 --data coco.toml --json out.json",
    )
    parser.add_argument("--pack", type=Path, help="a pack's folder")
    parser.add_argument("--weights", type=Path, help="or a checkpoint (.safetensors), run by PyTorch")
    parser.add_argument("--detections", type=Path, help="or what `edgebench run --json` found, on any device")
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: the generated set)")
    parser.add_argument("--split", default="val", help="which images (default: val)")
    parser.add_argument(
        "--score", type=_fraction, default=0.001, help="score threshold (default: 0.001, as COCO needs)"
    )
    parser.add_argument("--iou", type=_fraction, help="NMS threshold (default: the pack's)")
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 65), metavar="N", help="of a pack's runtime")
    parser.add_argument("--json", help="write the result there; - for standard output instead of the table")
    return run_command(parser, _evaluate, argv)


def _evaluate(arguments: argparse.Namespace) -> int:
    sources = [given for given in (arguments.pack, arguments.weights, arguments.detections) if given is not None]
    if len(sources) != 1:
        raise InputError("give one of PACK=, WEIGHTS= and DETECTIONS=")
    share_cores()
    from edgewright_train.checkpoint import load_checkpoint  # noqa: PLC0415 (keeps --help fast)
    from edgewright_train.data.resolve import open_split  # noqa: PLC0415
    from edgewright_train.progress import counted  # noqa: PLC0415
    from edgewright_train.tasks.detect.evaluate import score  # noqa: PLC0415
    from edgewright_train.tasks.evaluate import Thresholds  # noqa: PLC0415

    from .accuracy import evaluate_checkpoint, evaluate_pack  # noqa: PLC0415
    from .detections_file import read_detections  # noqa: PLC0415
    from .pack import open_pack  # noqa: PLC0415

    thresholds = Thresholds(arguments.score, arguments.iou)
    dataset = open_split(arguments.data, arguments.split)
    with counted(dataset.name) as progress:
        if arguments.pack is not None:
            pack = open_pack(arguments.pack)
            result = evaluate_pack(pack, dataset, thresholds, num_threads=arguments.threads, progress=progress)
        elif arguments.detections is not None:
            result = score(read_detections(arguments.detections, dataset), dataset, seconds=0.0)
        else:
            result = evaluate_checkpoint(load_checkpoint(arguments.weights), dataset, thresholds, progress=progress)
    record = {
        "source": str(sources[0]),
        "dataset": dataset.name,
        "dataset_sha256": dataset.fingerprint,
        "split": arguments.split,
        "score_threshold": arguments.score,
        "iou_threshold": arguments.iou,
        **result.as_json(),
    }
    emit(_table(record), record, arguments.json)
    return 0


def _table(record: dict[str, Any]) -> str:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    names = ("AP", "AP50", "AP75", "APs", "APm", "APl")
    table = Table(title=f"{record['source']} on {record['dataset']}")
    for name in (*names, "images", "seconds"):
        table.add_column(name, justify="right")
    values = ["-" if record[name] is None else f"{record[name]:.4f}" for name in names]
    table.add_row(*values, str(record["images"]), f"{record['seconds']:.1f}")
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
