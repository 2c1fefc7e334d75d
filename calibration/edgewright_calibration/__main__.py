"""`edgewright-export`: one checkpoint to proven packs for every target, in float and in few bits."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_export.manifest import FLOAT_PRECISIONS, Precision, Target
from edgewright_train.command import Parser, emit, run_command, size_wxh
from edgewright_train.errors import InputError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from torch.export import ExportedProgram

    from edgewright_export.conversion import FullPrecision
    from edgewright_export.source import Source
    from edgewright_train.data.dataset import Dataset

    from .calibrated import CalibrationRequest
    from .quantised_export import QuantisedResult

_DESCRIPTION = """Convert a checkpoint to packs: build/<model>/<target>-<precision>/.
Every artefact is run in its own runtime and compared with the PyTorch network; what is not equal leaves no pack.
With --data the task metric of every pack is measured too, compared with the source's, and stored in the pack.

Precisions: fp32 and fp16; int8: weights and activations, with the layers that hurt left in float until the loss is
inside --budget; mixed: the same, and the outputs must be as close as the results; w8: weights only; palette8, palette6
and palette4: weights of CoreML as indices into a table."""

_EXAMPLES = """examples:
  edgewright-export --weights runs/coco/best.safetensors --target all --precision fp32,fp16
  edgewright-export --weights runs/coco/best.safetensors --precision int8 --data coco.toml --budget 0.005"""

_DEFAULT_BUDGET = 0.005
_NUM_HALF_IMAGES = 16  # of those for calibration, that the range of half precision is compared with


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 all packs proven, 1 one was not, 2 wrong input."""
    parser = Parser(
        prog="edgewright-export",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--weights", type=Path, help="checkpoint (.safetensors; default: the newest in runs/)")
    parser.add_argument("--target", default="ncnn", help="onnx, ncnn, tflite, coreml, several with commas, or all")
    parser.add_argument("--precision", default="fp32,fp16", help="one or several with commas (default: fp32,fp16)")
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the checkpoint's)")
    parser.add_argument("--data", help="labelled images: proves the task metric of every pack as well")
    parser.add_argument("--split", default="val", help="which images of --data (default: val)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="where packs go (default: build)")
    parser.add_argument("--json", help="write the results there as JSON; - for standard output")
    few = parser.add_argument_group("in few bits")
    few.add_argument("--calibration-data", help="images for ranges (default: the train images of --data, or generated)")
    few.add_argument("--calibration", type=int, default=64, metavar="COUNT", help="how many of them (default: 64)")
    few.add_argument("--seed", type=int, default=0, help="decides which (default: 0)")
    few.add_argument("--method", default="auto", help="min_max, moving_average, percentile, mse, kl, aciq or auto")
    few.add_argument("--budget", help=f"largest loss of the metric, 0..1, or any (default: {_DEFAULT_BUDGET})")
    few.add_argument("--io", choices=("float32", "int8"), default="float32", help="TFLite's input and outputs in int8")
    few.add_argument("--float", help="layers that stay in float, with commas, as make sensitivity names them")
    return run_command(parser, _export, argv)


def _export(arguments: argparse.Namespace) -> int:
    from edgewright_export.targets import parse_targets, require_tools  # noqa: PLC0415

    from .precisions import ACTIVATIONS  # noqa: PLC0415

    targets = parse_targets(arguments.target)
    floats, quantised = _wanted(arguments.precision, targets)
    for target in targets:
        require_tools(target)
    options = _options(arguments)
    if options.codes_at_ends and not all(target == "tflite" and name in ACTIVATIONS for target, name in quantised):
        raise InputError("IO=int8: only for TARGET=tflite with PRECISION=int8 or mixed")
    size_wh = size_wxh(arguments.size) if arguments.size else None

    from edgewright_export.capture import capture  # noqa: PLC0415
    from edgewright_export.export_report import Display, results_as_json, results_as_text  # noqa: PLC0415
    from edgewright_export.exporter import export_packs  # noqa: PLC0415
    from edgewright_export.proof_images import proof_images  # noqa: PLC0415
    from edgewright_export.source import checkpoint_to_use, load_source  # noqa: PLC0415
    from edgewright_train.checkpoint import read_tensors  # noqa: PLC0415 (torch is slow to import)

    from .export_report import quantised_as_json, quantised_as_text  # noqa: PLC0415

    weights = checkpoint_to_use(arguments.weights)
    dataset, images = proof_images(arguments.data, arguments.split, read_tensors(weights)[0].task)
    source = load_source(weights, size_wh, images)
    header = source.checkpoint.header
    exported = capture(header.architecture.deploy(source.checkpoint.network), header.width, header.height)
    logs = arguments.out / header.name / "logs"
    packs = [(target, precision) for target in targets for precision in floats]
    found: list[QuantisedResult] = []
    with Display([*packs, *quantised]) as display:
        results = []
        if floats:
            accuracy = display.measure_source(source, dataset)
            kept = _full_precision(source, exported, images, arguments, targets) if "fp16" in floats else {}
            results = export_packs(
                source, exported, targets, floats, arguments.out,
                accuracy=accuracy, logs=logs, stage=display.stage, full_precision=kept,
            )  # fmt: skip
        if quantised:
            found = _quantised(source, exported, dataset, quantised, options, arguments.out, logs, display.stage)
    every = [*results, *(each.result for each in found)]
    text = "\n".join([results_as_text(every), *quantised_as_text(found)])
    emit(text, [*results_as_json(results), *quantised_as_json(found)], arguments.json)
    return max((result.error.exit_code for result in every if result.error), default=0)


@dataclass(frozen=True)
class _Options:
    """Of packs in few bits."""

    calibration: "CalibrationRequest"
    method: str
    budget: float | None
    float_layers: tuple[str, ...]
    codes_at_ends: bool


def _options(arguments: argparse.Namespace) -> _Options:
    from .calibrated import CalibrationRequest  # noqa: PLC0415
    from .choose import check_method  # noqa: PLC0415

    check_method(arguments.method)
    return _Options(
        calibration=CalibrationRequest(
            arguments.calibration_data or arguments.data, "train", count=arguments.calibration, seed=arguments.seed
        ),
        method=arguments.method,
        budget=_budget(arguments.budget),
        float_layers=tuple(name.strip() for name in (arguments.float or "").split(",") if name.strip()),
        codes_at_ends=arguments.io == "int8",
    )


def _budget(text: str | None) -> float | None:
    if not text:
        return _DEFAULT_BUDGET
    if text == "any":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"BUDGET={text}: must be a number from 0 to 1, or any")
    return value


def _wanted(text: str, targets: Sequence[Target]) -> tuple[list[Precision], list[tuple[Target, Precision]]]:
    """The float precisions, which all targets have, and the (target, precision) pairs in few bits."""
    from edgewright_export.targets import parse_precisions  # noqa: PLC0415

    from .precisions import PLANNERS  # noqa: PLC0415

    chosen = parse_precisions(text)
    pairs = [(target, precision) for target in targets for precision in chosen if target in PLANNERS.get(precision, ())]
    for precision in chosen:
        if precision in PLANNERS and not any(precision == other for _, other in pairs):
            raise InputError(f"PRECISION={precision}: only for TARGET={', '.join(PLANNERS[precision])}")
    return [precision for precision in chosen if precision in FLOAT_PRECISIONS], pairs


def _full_precision(
    source: "Source",
    exported: "ExportedProgram",
    images: "Mapping[str, NDArray[uint8]]",
    arguments: argparse.Namespace,
    targets: Sequence[Target],
) -> "dict[Target, FullPrecision]":
    """By the images that the export is proven on, and by some for calibration where the user names those."""
    from edgewright_export.capture import runnable  # noqa: PLC0415

    from .half.full_precision import full_precision  # noqa: PLC0415
    from .images import calibration_images  # noqa: PLC0415

    seen = [*images.items(), *((name, case.source_bgr) for name, case in source.golden.items())]
    if data := arguments.calibration_data:
        task = source.checkpoint.header.task
        seen += calibration_images(data, "train", task, count=_NUM_HALF_IMAGES, seed=arguments.seed)
    return full_precision(runnable(exported), source.preprocess, seen, targets)


def _quantised(
    source: "Source",
    exported: "ExportedProgram",
    dataset: "Dataset | None",
    pairs: Sequence[tuple[Target, Precision]],
    options: _Options,
    out: Path,
    logs: Path,
    stage: Callable[[Target, Precision, str], None],
) -> "list[QuantisedResult]":
    from edgewright_export.capture import runnable, save_graph  # noqa: PLC0415
    from edgewright_train.progress import counted  # noqa: PLC0415

    from .calibrated import calibrated  # noqa: PLC0415
    from .material import gather  # noqa: PLC0415
    from .quantised_export import Request, export_quantised  # noqa: PLC0415

    graph_module = runnable(exported)
    calibration, images = calibrated(source, graph_module, options.calibration, out)
    with counted(f"source on {dataset.name}" if dataset else "source") as progress:
        material = gather(
            source,
            graph_module,
            calibration,
            images,
            dataset=dataset,
            float_layers=options.float_layers,
            codes_at_ends=options.codes_at_ends,
            progress=progress,
        )
    request = Request(options.method, options.budget)
    with tempfile.TemporaryDirectory(prefix="edgewright-export-") as scratch:
        graph = Path(scratch) / "graph.pt2"
        save_graph(exported, graph)
        return [
            export_quantised(material, graph, target, precision, request, out, logs=logs, stage=stage)
            for target, precision in pairs
        ]


if __name__ == "__main__":
    sys.exit(main())
