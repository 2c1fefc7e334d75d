"""`edgewright-eval`: the task metric of a pack, run through its own files, of a checkpoint, or of a device's finds."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_train.command import Parser, emit, run_command, share_cores
from edgewright_train.errors import InputError

if TYPE_CHECKING:
    from edgewright_train.data.dataset import Dataset
    from edgewright_train.models.architecture import Task
    from edgewright_train.tasks.evaluate import Thresholds
    from edgewright_train.tasks.evaluation import Evaluation, Progress

    Evaluate = Callable[[Dataset, Thresholds, Progress], Evaluation]

_DESCRIPTION = """Print what a pack or a checkpoint run over labelled images reaches, or what a device found:
COCO's AP of a detector, top-1 and top-5 (or F1) of a classifier, mIoU of a segmenter."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 evaluated, 1 the pack is damaged or crashed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-eval",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog="example: edgewright-eval --pack build/yolo-fastestv2/ncnn-fp16 --data coco.toml --json out.json",
    )
    parser.add_argument("--pack", type=Path, help="a pack's folder")
    parser.add_argument("--weights", type=Path, help="or a checkpoint (.safetensors), run by PyTorch")
    parser.add_argument("--detections", type=Path, help="or what `edgebench run --json` found, on any device")
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: the generated set)")
    parser.add_argument("--split", default="val", help="which images (default: val)")
    parser.add_argument("--score", type=fraction, help="a detector's score threshold (0.001, as COCO needs)")
    parser.add_argument("--iou", type=fraction, help="a detector's NMS threshold (default: the pack's)")
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 65), metavar="N", help="of a pack's runtime")
    parser.add_argument("--json", help="write the result there; - for standard output instead of the table")
    return run_command(parser, _evaluate, argv)


def _evaluate(arguments: argparse.Namespace) -> int:
    sources = [given for given in (arguments.pack, arguments.weights, arguments.detections) if given is not None]
    if len(sources) != 1:
        raise InputError("give one of PACK=, WEIGHTS= and DETECTIONS=")
    share_cores()
    from edgewright_train.data.resolve import open_split  # noqa: PLC0415 (keeps --help fast)
    from edgewright_train.progress import counted  # noqa: PLC0415
    from edgewright_train.tasks.evaluate import DEFAULT_THRESHOLDS, Thresholds  # noqa: PLC0415

    from .eval_table import evaluation_as_text  # noqa: PLC0415

    task, evaluate = _subject(arguments)
    detects = task == "detect"
    if not detects and (arguments.score is not None or arguments.iou is not None):
        raise InputError(f"SCORE= and IOU= are thresholds of detectors, {sources[0]} is for the task {task}")
    score = DEFAULT_THRESHOLDS.score if arguments.score is None else arguments.score
    dataset = open_split(arguments.data, arguments.split, task)
    with counted(dataset.name) as progress:
        figures = evaluate(dataset, Thresholds(score, arguments.iou), progress).as_json()
    record: dict[str, Any] = {
        "source": str(sources[0]),
        "task": task,
        "dataset": dataset.name,
        "dataset_sha256": dataset.fingerprint,
        "split": arguments.split,
        **({"score_threshold": score, "iou_threshold": arguments.iou} if detects else {}),
        **figures,
    }
    text = evaluation_as_text(f"{sources[0]} on {dataset.name}", figures, with_classes=not detects)
    emit(text, record, arguments.json)
    return 0


def _subject(arguments: argparse.Namespace) -> "tuple[Task, Evaluate]":
    """What is measured: the task that its data have to be labelled for, and how."""
    from edgewright_train.checkpoint import load_checkpoint  # noqa: PLC0415

    from .accuracy import evaluate_checkpoint, evaluate_pack  # noqa: PLC0415
    from .pack import open_pack  # noqa: PLC0415
    from .results_file import score_results, task_of_results  # noqa: PLC0415

    if arguments.pack is not None:
        pack = open_pack(arguments.pack)
        return pack.manifest.task, lambda dataset, thresholds, progress: evaluate_pack(
            pack, dataset, thresholds, num_threads=arguments.threads, progress=progress
        )
    if arguments.weights is not None:
        checkpoint = load_checkpoint(arguments.weights)
        return checkpoint.header.task, lambda dataset, thresholds, progress: evaluate_checkpoint(
            checkpoint, dataset, thresholds, progress=progress
        )
    task = task_of_results(arguments.detections)
    return task, lambda dataset, *_: score_results(arguments.detections, dataset)


def fraction(text: str) -> float:
    """An option's value from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
