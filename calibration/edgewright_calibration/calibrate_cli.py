"""`edgewright-calibrate`: the ranges of a network's values on a few images."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_train.command import Parser, emit, run_command, share_cores, size_wxh

if TYPE_CHECKING:
    from .calibration import Calibration

_DESCRIPTION = """\
Run a network on a few images that a seed chooses, and write what every tensor's values span, by several methods:
build/<model>/calibration.json.  `make export PRECISION=int8` makes its own; this one is to look at."""

_NUM_WIDEST = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 written, 1 the network computes NaN or infinity, 2 wrong input."""
    parser = Parser(
        prog="edgewright-calibrate",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog="example: edgewright-calibrate --weights runs/coco/best.safetensors --data coco.toml",
    )
    parser.add_argument("--weights", type=Path, help="checkpoint (.safetensors; default: the newest in runs/)")
    parser.add_argument("--data", help="a data set, or a folder of images (default: generated images, with a warning)")
    parser.add_argument("--split", default="train", help="which images of --data (default: train)")
    parser.add_argument("--calibration", type=int, default=64, metavar="COUNT", help="how many images (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="decides which images (default: 0)")
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the checkpoint's)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="<model>/ goes there (default: build)")
    parser.add_argument("--json", help="write the summary there as JSON; - for standard output")
    return run_command(parser, _calibrate, argv)


def _calibrate(arguments: argparse.Namespace) -> int:
    size_wh = size_wxh(arguments.size) if arguments.size else None
    share_cores()
    from edgewright_export.pack import digest_file  # noqa: PLC0415 (torch is slow to import)
    from edgewright_export.source import checkpoint_to_use, load_at_size  # noqa: PLC0415
    from edgewright_train.progress import counted  # noqa: PLC0415

    from .calibration import FILE_NAME, calibrate, write_calibration  # noqa: PLC0415
    from .images import calibration_images  # noqa: PLC0415

    weights = checkpoint_to_use(arguments.weights)
    checkpoint = load_at_size(weights, size_wh)
    images = calibration_images(
        arguments.data, arguments.split, checkpoint.header.task, count=arguments.calibration, seed=arguments.seed
    )
    with counted(images.dataset.name) as progress:
        calibration = calibrate(checkpoint, digest_file(weights), images, progress=progress)
    path = arguments.out / checkpoint.header.name / FILE_NAME
    write_calibration(path, calibration)
    emit(_as_text(calibration, path, _next_step(weights, arguments.data)), _as_json(calibration, path), arguments.json)
    return 0


def _as_text(calibration: "Calibration", path: Path, next_step: str) -> str:
    seen = calibration.ranges["min_max"]
    size = f"{calibration.preprocess.width}x{calibration.preprocess.height}"
    title = f"{calibration.model}, {calibration.task}, {size}"
    lines = [
        f"{title}: {len(seen)} tensors on {len(calibration.images)} images of {calibration.dataset.name}",
        "widest ranges:",
        *(f"  {name:24} {seen[name].low:12.4f} .. {seen[name].high:.4f}" for name in _widest(calibration)),
        "values that each method cuts off:",
        *(f"  {method:24} {share:12.5%}" for method, share in calibration.clipped.items()),
        f"wrote {path}",
        f"next: {next_step}",
    ]
    return "\n".join(lines)


def _next_step(weights: Path, data: str | None) -> str:
    given = f" DATA={shlex.quote(data)}" if data else ""
    return f"make export WEIGHTS={shlex.quote(str(weights))} TARGET=ncnn PRECISION=int8{given}"


def _as_json(calibration: "Calibration", path: Path) -> dict[str, object]:
    seen = calibration.ranges["min_max"]
    return {
        "path": str(path),
        "sha256": calibration.digest,
        "model": calibration.model,
        "num_images": len(calibration.images),
        "dataset": calibration.dataset.name,
        "dataset_sha256": calibration.dataset.sha256,
        "seed": calibration.seed,
        "num_nodes": len(seen),
        "widest": {name: [seen[name].low, seen[name].high] for name in _widest(calibration)},
        "clipped": calibration.clipped,
    }


def _widest(calibration: "Calibration") -> list[str]:
    seen = calibration.ranges["min_max"]
    return sorted(seen, key=lambda name: seen[name].low - seen[name].high)[:_NUM_WIDEST]


if __name__ == "__main__":
    sys.exit(main())
