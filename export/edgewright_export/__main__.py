"""`edgewright-export`: one checkpoint to proven packs for every target."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command, size_wxh

_DESCRIPTION = """Convert a checkpoint to packs: build/<model>/<target>-<precision>/.
Every artefact is run in its own runtime and compared with the PyTorch network; what is not equal leaves no pack.
With --data the task metric of every pack is measured too, compared with the source's, and stored in the pack."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 all packs proven, 1 one was not, 2 wrong input."""
    parser = Parser(
        prog="edgewright-export",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog="example: edgewright-export --weights runs/coco/best.safetensors --target all --precision fp32,fp16",
    )
    parser.add_argument("--weights", type=Path, help="checkpoint (.safetensors; default: the newest in runs/)")
    parser.add_argument("--target", default="ncnn", help="onnx, ncnn, tflite, coreml, several with commas, or all")
    parser.add_argument("--precision", default="fp32,fp16", help="fp32, fp16 or both (default: both)")
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the checkpoint's)")
    parser.add_argument("--data", help="labelled images: proves the task metric of every pack as well")
    parser.add_argument("--split", default="val", help="which images of --data (default: val)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="where packs go (default: build)")
    parser.add_argument("--json", help="write the results there as JSON; - for standard output")
    return run_command(parser, _export, argv)


def _export(arguments: argparse.Namespace) -> int:
    from .targets import parse_precisions, parse_targets, require_tools  # noqa: PLC0415

    targets, precisions = parse_targets(arguments.target), parse_precisions(arguments.precision)
    for target in targets:
        require_tools(target)
    size_wh = size_wxh(arguments.size) if arguments.size else None

    from edgewright_train.checkpoint import read_tensors  # noqa: PLC0415 (torch is slow to import)

    from .export_report import Display, results_as_json, results_as_text  # noqa: PLC0415
    from .exporter import export_packs  # noqa: PLC0415
    from .proof_images import proof_images  # noqa: PLC0415
    from .source import load_source, newest_checkpoint  # noqa: PLC0415

    weights = arguments.weights or newest_checkpoint(Path("runs"))
    dataset, images = proof_images(arguments.data, arguments.split, read_tensors(weights)[0].task)
    source = load_source(weights, size_wh, images)
    with Display([(target, precision) for target in targets for precision in precisions]) as display:
        accuracy = display.measure_source(source, dataset)
        results = export_packs(
            source,
            targets,
            precisions,
            arguments.out,
            accuracy=accuracy,
            logs=arguments.out / source.checkpoint.header.name / "logs",
            stage=display.stage,
        )
    emit(results_as_text(results), results_as_json(results), arguments.json)
    return max((result.error.exit_code for result in results if result.error), default=0)


if __name__ == "__main__":
    sys.exit(main())
