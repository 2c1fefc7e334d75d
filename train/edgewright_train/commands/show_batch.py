"""`edgewright-show-batch`: a picture of a training batch, with all augmentation and the targets drawn."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..command import Parser, emit, run_command, share_cores, size_wxh
from ..errors import InputError

_DESCRIPTION = """\
Write one batch of a training as a picture: the very images that the network would see at a step, after all
augmentation, with the boxes, classes or masks that it would learn.  The loader is that of edgewright-train, so the
picture of a recipe, a seed and a step is always the same."""

_EPILOG = """\
examples:
  edgewright-show-batch --data=my/dataset.toml --model=yolo-fastestv2
  edgewright-show-batch --data=camvid.toml --recipe=mine.toml --step=500 --out=build/step-500.png
  edgewright-show-batch --recipe=runs/mine/config.toml --seed=7"""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = Parser(
        prog="edgewright-show-batch",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: generated images)")
    parser.add_argument("--recipe", type=Path, help="TOML file (default: the model's for generated or for own data)")
    parser.add_argument("--model", help="for example yolo-fastestv2; optional where a recipe says it")
    parser.add_argument("--cfg", help="instead of --model: a darknet network")
    parser.add_argument("--task", choices=("detect", "classify", "segment"), help="for models that do several")
    parser.add_argument("--batch", type=int, help="images (default: the recipe's); the picture shows up to 64")
    parser.add_argument("--size", help="WIDTHxHEIGHT of the network's input")
    parser.add_argument("--seed", type=int, help="in place of the recipe's")
    parser.add_argument("--step", type=int, default=0, help="of the training, from 0 (0)")
    parser.add_argument(
        "--skip-bad", nargs="?", const="1", choices=("0", "1"), default="0", help="leave bad records out"
    )
    parser.add_argument("--out", type=Path, default=Path("build/batch.png"), help="PNG to write (build/batch.png)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _show, argv)


def _show(arguments: argparse.Namespace) -> int:
    share_cores()
    from ..batch_picture import batch_picture  # noqa: PLC0415
    from ..data_check.check import write_png  # noqa: PLC0415
    from ..processes.group import ALONE  # noqa: PLC0415
    from ..training.data import make_loader, open_data  # noqa: PLC0415
    from ..training.recipe import default_recipe, load_recipe  # noqa: PLC0415

    if not (arguments.recipe or arguments.model or arguments.cfg):
        raise InputError("MODEL= or RECIPE= is needed (or CFG=), for example MODEL=yolo-fastestv2")
    if arguments.model and arguments.cfg:
        raise InputError("give one of MODEL= and CFG=")
    path = arguments.recipe or default_recipe(
        arguments.model or "", arguments.data, cfg=arguments.cfg or "", task=arguments.task
    )
    recipe = load_recipe(
        path,
        model="" if arguments.cfg else arguments.model,
        cfg="" if arguments.model else arguments.cfg,
        task=arguments.task,
        data=arguments.data,
        batch_size=arguments.batch,
        size_wh=size_wxh(arguments.size) if arguments.size else None,
        seed=arguments.seed,
        skip_bad=True if arguments.skip_bad == "1" else None,
    )
    train_set = open_data(recipe, lambda text: None).train_set
    loader = make_loader(recipe, train_set, ALONE)
    num_steps = recipe.epochs * loader.steps_per_epoch
    if not 0 <= arguments.step < num_steps:
        raise InputError(f"STEP={arguments.step}: the training has the steps 0 to {num_steps - 1}")
    parts = next(loader.batches(arguments.step, arguments.step + 1))
    write_png(arguments.out, batch_picture(parts, recipe.task, train_set.labels))
    count = sum(len(part.images) for part in parts)
    height, width = parts[0].images.shape[2:]
    step = f"step {arguments.step} (epoch {arguments.step // loader.steps_per_epoch + 1})"
    text = (
        f"{arguments.out}: {count} images at {width}x{height}, {step} of {train_set.name}, "
        f"recipe {path}, seed {recipe.seed}"
    )
    record = {"path": str(arguments.out), "images": count, "width": width, "height": height, "step": arguments.step}
    emit(text, record, arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
