"""`edgewright-device-eval`: the task metric of a pack, measured on a device and scored here."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgewright_export.eval_cli import fraction
from edgewright_train.command import Parser, emit, run_command, share_cores
from edgewright_train.errors import InputError

from .choose import add_device_options, chosen_target


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 evaluated, 1 the pack is damaged or the device failed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-device-eval",
        description="Copy a pack and the images of a data set to a device, run the one over the other there, and print "
        "what it reaches: COCO's AP of a detector, top-1 and top-5 (or F1) of a classifier, mIoU of a segmenter.",
        epilog="example: edgewright-device-eval --pack build/yolo-fastestv2/ncnn-fp16 --device ssh://pi@10.0.0.5 "
        "--data coco.toml --json out.json",
    )
    parser.add_argument("--pack", required=True, type=Path, help="a pack's folder, for ncnn")
    add_device_options(parser)
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: the generated set)")
    parser.add_argument("--split", default="val", help="which images (default: val)")
    parser.add_argument("--score", type=fraction, help="a detector's score threshold (0.001, as COCO needs)")
    parser.add_argument("--iou", type=fraction, help="a detector's NMS threshold (default: the pack's)")
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 65), metavar="N", help="of the network")
    parser.add_argument("--json", help="write the result there; - for standard output instead of the table")
    return run_command(parser, _evaluate, argv)


def _evaluate(arguments: argparse.Namespace) -> int:
    target = chosen_target(arguments)
    share_cores()
    from edgewright_export.accuracy import check_labels  # noqa: PLC0415 (keeps --help fast)
    from edgewright_export.eval_table import evaluation_as_text  # noqa: PLC0415
    from edgewright_export.pack import open_pack  # noqa: PLC0415
    from edgewright_export.results_file import score_results  # noqa: PLC0415
    from edgewright_train.data.resolve import open_split  # noqa: PLC0415
    from edgewright_train.progress import counted  # noqa: PLC0415
    from edgewright_train.tasks.evaluate import DEFAULT_THRESHOLDS, Thresholds  # noqa: PLC0415

    from .edgebench import edgebench_on  # noqa: PLC0415
    from .find import find_on_device  # noqa: PLC0415

    pack = open_pack(arguments.pack)
    task, detects = pack.manifest.task, pack.manifest.task == "detect"
    if not detects and (arguments.score is not None or arguments.iou is not None):
        raise InputError(f"SCORE= and IOU= are thresholds of detectors, {pack.path} is for the task {task}")
    thresholds = Thresholds(DEFAULT_THRESHOLDS.score if arguments.score is None else arguments.score, arguments.iou)
    dataset = open_split(arguments.data, arguments.split, task)
    check_labels(pack.manifest.labels, dataset)
    with tempfile.TemporaryDirectory(prefix="edgewright-found-") as scratch:
        with edgebench_on(target) as edgebench, counted(dataset.name) as progress:
            found = find_on_device(
                edgebench, pack, dataset, thresholds,
                num_threads=arguments.threads, folder=Path(scratch), progress=progress,
            )  # fmt: skip
        figures = score_results(found, dataset).as_json()
    record = {
        "source": str(pack.path),
        "device": target.name,
        "task": task,
        "dataset": dataset.name,
        "dataset_sha256": dataset.fingerprint,
        "split": arguments.split,
        **({"score_threshold": thresholds.score, "iou_threshold": thresholds.iou} if detects else {}),
        **figures,
    }
    title = f"{pack.path} on {target.name}: {dataset.name}"
    emit(evaluation_as_text(title, figures, with_classes=not detects), record, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
