"""Compare options of int8 with the default plan, in the PyTorch reference, on one network and target.

    .venv/bin/python -m tools.quantisation_options --weights best.safetensors --target tflite --data coco.toml \
        --calibration-data coco_train2017_128

All layers that the target can compute in int8 are; nothing is moved to float for a budget.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgewright_calibration.calibrated import CalibrationRequest, calibrated
from edgewright_calibration.material import gather
from edgewright_calibration.precisions import PLANNERS
from edgewright_export.accuracy import check_labels
from edgewright_export.capture import capture, runnable
from edgewright_export.proof_images import spread
from edgewright_export.source import checkpoint_to_use, load_source
from edgewright_train.command import Parser, emit, run_command
from edgewright_train.data.resolve import open_split
from edgewright_train.errors import InputError
from edgewright_train.progress import counted

from .measure import Table, measure
from .variants import Workshop


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 measured, 2 wrong input."""
    parser = Parser(prog="quantisation_options", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint (.safetensors)")
    parser.add_argument("--target", default="tflite", choices=tuple(PLANNERS["int8"]))
    parser.add_argument("--data", required=True, help="labelled images for the loss")
    parser.add_argument("--split", default="val", help="which of them (default: val)")
    parser.add_argument("--images", type=int, metavar="COUNT", help="how many of them, evenly spread (default: all)")
    parser.add_argument("--calibration-data", help="images for ranges (default: the train images of --data)")
    parser.add_argument("--calibration", type=int, default=64, metavar="COUNT", help="how many of them (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="decides which (default: 0)")
    parser.add_argument("--correction", type=int, default=32, metavar="COUNT", help="and fits biases to (default: 32)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _compare, argv)


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.images is not None and arguments.images < 1:
        raise InputError(f"--images {arguments.images}: must be a whole number from 1")
    if arguments.correction < 1:
        raise InputError(f"--correction {arguments.correction}: must be a whole number from 1")
    source = load_source(checkpoint_to_use(arguments.weights), None, {})
    header = source.checkpoint.header
    dataset = open_split(arguments.data, arguments.split, header.task)
    check_labels(header.labels, dataset)
    if len(dataset) == 0:
        raise InputError(f"--data {arguments.data}: no images to measure on")
    graph_module = runnable(capture(header.architecture.deploy(source.checkpoint.network), header.width, header.height))
    request = CalibrationRequest(
        arguments.calibration_data or arguments.data, "train", count=arguments.calibration, seed=arguments.seed
    )
    with tempfile.TemporaryDirectory(prefix="edgewright-options-") as scratch:
        calibration, images = calibrated(source, graph_module, request, Path(scratch))
    material = gather(source, graph_module, calibration, images, dataset=None, float_layers=())
    variants = []
    workshop = Workshop(material, images, arguments.target, arguments.correction, _say)
    for variant in workshop.variants():
        variants.append(variant)
        _say(f"{variant.options}: noise {variant.noise:.5f} by {variant.method}")
    indices = spread(range(len(dataset)), arguments.images or len(dataset))
    with counted(f"{len(variants)} plans on {dataset.name}") as progress:
        table = measure(material, variants, dataset, indices, progress)
    title = f"{header.name}, {arguments.target}-int8, {len(indices)} images of {dataset.name}"
    emit("\n".join(_as_text(title, table)), _as_json(title, table), arguments.json)
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _as_text(title: str, table: Table) -> list[str]:
    metric, default = table.source.metric, table.rows[0]
    lines = [
        f"{title}: {metric} {table.source.value():.4f} in float",
        "| | ranges | noise, calibration | noise, these images | of the default's | loss | gain on the default |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.rows:
        share = row.noise / default.noise
        gain = "" if row is default else str(row.gain)
        cells = [
            str(row.variant.options), row.variant.method, f"{row.variant.noise:.5f}", f"{row.noise:.5f}",
            f"{share:.2f}", str(row.loss), gain,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    kept = ", ".join(str(row.variant.options) for row in table.worth_keeping) or "nothing"
    return [*lines, f"more than 10 % less noise on both, and no larger loss: {kept}"]


def _as_json(title: str, table: Table) -> dict[str, Any]:
    return {
        "title": title,
        "metric": table.source.metric,
        "source_value": table.source.value(),
        "worth_keeping": [str(row.variant.options) for row in table.worth_keeping],
        "variants": [
            {
                "options": str(row.variant.options),
                "method": row.variant.method,
                "num_layers": len(row.variant.plan.layers),
                "noise_calibration": row.variant.noise,
                "noise": row.noise,
                "loss": asdict(row.loss),
                "gain": asdict(row.gain),
            }
            for row in table.rows
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
