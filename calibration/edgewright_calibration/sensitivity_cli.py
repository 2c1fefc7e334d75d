"""`edgewright-sensitivity`: which layers of a network few bits hurt, each quantised alone."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_export.manifest import Precision, Target
from edgewright_train.command import Parser, emit, run_command, share_cores, size_wxh
from edgewright_train.errors import InputError

if TYPE_CHECKING:
    from edgewright_export.sensitivity import Sensitivity
    from edgewright_export.source import Source
    from edgewright_train.data.dataset import Dataset

    from .calibrated import CalibrationRequest

_DESCRIPTION = """\
Compute a network with one layer in few bits and all others in float, layer by layer, and write what that does to its
outputs and, on labelled images, to its metric: build/<model>/sensitivity-<target>-<precision>.json, which
`make report` draws."""

_NUM_NAMED = 3  # layers in the suggested next step


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 written, 1 the network cannot be quantised, 2 wrong input."""
    parser = Parser(
        prog="edgewright-sensitivity",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog="example: edgewright-sensitivity --weights runs/coco/best.safetensors --target ncnn --data coco.toml",
    )
    parser.add_argument("--weights", type=Path, help="checkpoint (.safetensors; default: the newest in runs/)")
    parser.add_argument("--target", default="ncnn", help="onnx, ncnn, tflite or coreml (default: ncnn)")
    parser.add_argument("--precision", default="int8", help="int8, w8, palette8, palette6 or palette4 (default: int8)")
    parser.add_argument("--data", help="labelled images: measures the task metric as well; or a folder of images")
    parser.add_argument("--split", default="val", help="which images of --data (default: val)")
    parser.add_argument("--images", type=int, default=32, metavar="COUNT", help="how many to measure on (default: 32)")
    parser.add_argument(
        "--calibration-data", help="images for ranges (default: the train images of --data, or generated)"
    )
    parser.add_argument("--calibration", type=int, default=64, metavar="COUNT", help="how many of them (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="decides which (default: 0)")
    parser.add_argument("--method", default="auto", help="min_max, moving_average, percentile, mse, kl, aciq or auto")
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the checkpoint's)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="<model>/ goes there (default: build)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _sensitivity, argv)


def _sensitivity(arguments: argparse.Namespace) -> int:
    target, precision = _wanted(arguments.target, arguments.precision)
    size_wh = size_wxh(arguments.size) if arguments.size else None
    if arguments.images < 1:
        raise InputError(f"IMAGES={arguments.images}: must be a whole number from 1")
    share_cores()
    from edgewright_export.sensitivity import file_name  # noqa: PLC0415
    from edgewright_export.source import checkpoint_to_use, load_source  # noqa: PLC0415 (torch is slow to import)

    from .calibrated import CalibrationRequest  # noqa: PLC0415
    from .choose import check_method  # noqa: PLC0415
    from .sensitivity_file import write_sensitivity  # noqa: PLC0415
    from .sensitivity_text import as_text  # noqa: PLC0415

    check_method(arguments.method)
    weights = checkpoint_to_use(arguments.weights)
    source = load_source(weights, size_wh, {})
    dataset = _labelled(arguments.data, arguments.split, source)
    request = CalibrationRequest(
        arguments.calibration_data or arguments.data, "train", count=arguments.calibration, seed=arguments.seed
    )
    found = _measured(source, target, precision, dataset, request, arguments)
    path = arguments.out / source.checkpoint.header.name / file_name(target, precision)
    write_sensitivity(path, found)
    record = {"path": str(path), **found.model_dump(mode="json")}
    emit(as_text(found, path, _next_step(found, weights, arguments)), record, arguments.json)
    return 0


def _wanted(target: str, precision: str) -> tuple[Target, Precision]:
    from .precisions import PLANNERS  # noqa: PLC0415

    known = {str(each): each for each in PLANNERS}
    if precision not in known:
        raise InputError(f"PRECISION={precision}: unknown; choose one of: {', '.join(known)}")
    targets = {str(each): each for each in PLANNERS[known[precision]]}
    if target not in targets:
        raise InputError(f"TARGET={target}: choose one of: {', '.join(targets)} (with PRECISION={precision})")
    return targets[target], known[precision]


def _labelled(data: str | None, split: str, source: "Source") -> "Dataset | None":
    """None for a folder of images, and where no data are given."""
    from edgewright_export.accuracy import check_labels  # noqa: PLC0415
    from edgewright_train.data.resolve import UnknownFolderError, open_split  # noqa: PLC0415

    if not data:
        return None
    try:
        dataset = open_split(data, split, source.checkpoint.header.task)
    except UnknownFolderError:
        return None
    check_labels(source.checkpoint.header.labels, dataset)
    if len(dataset) == 0:
        raise InputError(f"DATA={data}: no images to measure on")
    return dataset


def _measured(
    source: "Source",
    target: Target,
    precision: Precision,
    dataset: "Dataset | None",
    request: "CalibrationRequest",
    arguments: argparse.Namespace,
) -> "Sensitivity":
    from edgewright_export.capture import capture, runnable  # noqa: PLC0415
    from edgewright_export.proof_images import spread  # noqa: PLC0415
    from edgewright_train.progress import counted  # noqa: PLC0415

    from .accuracy import scorer  # noqa: PLC0415
    from .calibrated import calibrated  # noqa: PLC0415
    from .choose import choose_ranges  # noqa: PLC0415
    from .layer_losses import measure_layers, read_pictures  # noqa: PLC0415
    from .material import gather  # noqa: PLC0415
    from .sensitivity_file import sensitivity_of  # noqa: PLC0415

    header = source.checkpoint.header
    graph_module = runnable(capture(header.architecture.deploy(source.checkpoint.network), header.width, header.height))
    calibration, images = calibrated(source, graph_module, request, arguments.out)
    material = gather(source, graph_module, calibration, images, dataset=None, float_layers=())
    ranges = choose_ranges(material, target, precision, arguments.method, lambda text: print(text, file=sys.stderr))
    shown = dataset or images.dataset
    split = arguments.split if dataset else images.split
    pictures = read_pictures(
        material, shown, spread(range(len(shown)) if dataset else images.indices, arguments.images)
    )
    scores = scorer(source.preprocess, source.decode, dataset) if dataset else None
    with counted(f"layers on {shown.name}") as progress:
        measured = measure_layers(material, target, precision, ranges, pictures, scores, progress)
    return sensitivity_of(
        material, measured, pictures, target=target, precision=precision, ranges=ranges, dataset=shown, split=split
    )


def _next_step(found: "Sensitivity", weights: Path, arguments: argparse.Namespace) -> str:
    """The same plan without the layers that hurt most."""
    given = {
        "WEIGHTS": weights,
        "TARGET": found.target,
        "PRECISION": found.precision,
        "SIZE": arguments.size,
        "DATA": arguments.data if found.metric else None,
        "CALIBRATION_DATA": arguments.calibration_data or (None if found.metric else arguments.data),
        "METHOD": found.method,
        "FLOAT": ",".join(layer.name for layer in found.worst_first[:_NUM_NAMED]),
    }
    return " ".join(["make export", *(f"{name}={shlex.quote(str(value))}" for name, value in given.items() if value)])


if __name__ == "__main__":
    sys.exit(main())
