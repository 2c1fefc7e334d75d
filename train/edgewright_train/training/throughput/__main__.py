"""`edgewright-bench-train`: see `edgewright-bench-train --help`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...command import Parser, emit, run_command, share_cores, size_wxh
from ...errors import InputError

if TYPE_CHECKING:
    from ..recipe import Recipe
    from .measure import Throughput


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 measured, 1 a trainer ended, 2 wrong input."""
    parser = Parser(
        prog="edgewright-bench-train",
        description="Train YOLO-FastestV2 with edgewright and with a plain implementation of its published recipe, in "
        "turns on the same machine with the same number of threads, and show images per second, where the time goes, "
        "and what loading, checkpoints and memory cost.  The weights are thrown away.",
        epilog="example: edgewright-bench-train --data my/dataset.toml --threads 2 --json out.json",
    )
    parser.add_argument("--data", help="a detection data set (default: a generated one, written to a temporary folder)")
    parser.add_argument("--batch", type=int, default=16, help="images per step (default: 16)")
    parser.add_argument("--size", default="352x352", help="WIDTHxHEIGHT of the input (default: 352x352)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, in both (default: 1)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each that count (default: 9)")
    parser.add_argument("--steps", type=int, default=6, help="per turn (default: 6)")
    parser.add_argument("--json", help="also write the result there; - for standard output instead")
    return run_command(parser, _bench, argv)


def _bench(arguments: argparse.Namespace) -> int:
    share_cores()
    from ...processes.group import ALONE  # noqa: PLC0415 (torch is slow to import)
    from ..data import make_loader, open_data  # noqa: PLC0415
    from ..recipe import RECIPES, load_recipe, recipe_toml  # noqa: PLC0415
    from .measure import measure  # noqa: PLC0415

    for name in ("rounds", "steps"):
        if getattr(arguments, name) < 1:
            raise InputError(f"--{name}={getattr(arguments, name)}: must be 1 or more")
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or _written(Path(folder))
        recipe = load_recipe(
            RECIPES / "yolo-fastestv2-own.toml",
            data=str(Path(data).resolve()),
            batch_size=arguments.batch,
            size_wh=size_wxh(arguments.size),
            threads=arguments.threads,
            epochs=10_000,  # it ends when it was measured
        )
        loader = make_loader(
            recipe, open_data(recipe, print).train_set, ALONE
        )  # what is wrong with the data is said here
        path = Path(folder) / "recipe.toml"
        path.write_text(recipe_toml(recipe), encoding="utf-8")
        found = measure(path, batch_size=arguments.batch, rounds=arguments.rounds, steps=arguments.steps)
        num_images = loader.steps_per_epoch * arguments.batch
    emit(_text(recipe, found, num_images), vars(found) | {"images": num_images}, arguments.json)
    return 0


def _written(folder: Path) -> Path:
    from ...commands.generate_data import main as write_data  # noqa: PLC0415 (only without DATA=)

    write_data([f"--out={folder / 'shapes'}", "--count=256", f"--json={folder / 'written.json'}"])
    return folder / "shapes" / "dataset.toml"


def _text(recipe: "Recipe", found: "Throughput", num_images: int) -> str:
    """`num_images`: in an epoch."""
    width, height = recipe.size_wh
    parts = list(next(iter(found.shares.values())))
    columns = "".join(f"{part:>10}" for part in parts)
    rows = [
        f"  {kind:<6}{speed:9.1f} images/s" + "".join(f"{share:10.1%}" for share in found.shares[kind].values())
        for kind, speed in (("ours", found.ours), ("plain", found.plain))
    ]
    times, saving = found.loading / found.ours, found.save_seconds / (num_images / found.ours)
    low, high = min(found.ratios), max(found.ratios)
    return "\n".join(
        (
            f"YOLO-FastestV2, {width}x{height}, batch {recipe.batch_size}, {recipe.threads} thread(s), {recipe.data}",
            f"  {'':<6}{'':>18}{columns}",
            *rows,
            f"  ours / plain {found.ratio:.2f} (median of {len(found.ratios)} pairs, {low:.2f} to {high:.2f})",
            f"  loading alone {found.loading:.0f} images/s with {recipe.workers} worker(s), {times:.1f} times that",
            f"  a checkpoint to resume from takes {found.save_seconds * 1e3:.0f} ms, {saving:.2%} of an epoch",
            f"  peak memory {found.peak_bytes / 1e9:.2f} GB",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
