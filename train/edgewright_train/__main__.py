"""`edgewright-train`: train a network as a recipe says, into runs/<name>/."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command import Parser, emit, run_command, share_cores, size_wxh
from .errors import InputError

if TYPE_CHECKING:
    from .training.recipe import Recipe
    from .training.run_folder import RunFolder
    from .training.run_training import Start


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 trained to the end, 1 stopped by a check, 2 wrong input, 130 stopped and saved."""
    parser = Parser(
        prog="edgewright-train",
        description="Train a network. Everything a training needs stands in its recipe (a TOML file); the options here "
        "replace single values of it. Writes runs/<name>/: config.toml (the resolved recipe), best.safetensors, "
        "last/ (to resume from), log.sqlite, tensorboard/.",
        epilog="examples: edgewright-train --model yolo-fastestv2 (on generated images)   |   "
        "edgewright-train --model yolo-fastestv2 --data my/dataset.toml --weights runs/coco/best.safetensors "
        "--name mine   |   edgewright-train --model espnetv2-1.0 --task segment --data camvid.toml   |   "
        "edgewright-train --cfg yolov4-tiny.cfg --data my/dataset.toml   |   edgewright-train --name mine --resume",
    )
    parser.add_argument("--model", help="for example yolo-fastestv2; optional where a recipe says it")
    parser.add_argument("--cfg", help="instead of --model: a darknet network")
    parser.add_argument("--task", choices=("detect", "classify", "segment"), help="for models that do several")
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: generated images)")
    parser.add_argument("--recipe", type=Path, help="TOML file (default: the model's for generated or for own data)")
    parser.add_argument("--name", help="of the run (default: that of the recipe)")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="images per step")
    parser.add_argument("--size", help="WIDTHxHEIGHT of the network's input")
    parser.add_argument("--weights", help="a .safetensors checkpoint of edgewright to start from")
    parser.add_argument(
        "--skip-bad",
        nargs="?",
        const="1",
        choices=("0", "1"),
        default="0",
        help="read all data once, leave bad records out",
    )
    parser.add_argument("--teacher", help="a checkpoint of the same task and classes to learn from as well")
    parser.add_argument(
        "--set", default="", help="any keys of the recipe: optimizer.learning_rate=0.01 augmentation.mosaic=0.5"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs (default: runs)")
    parser.add_argument("--resume", nargs="?", const="1", choices=("0", "1"), default="0", help="continue the run")
    parser.add_argument("--replace", action="store_true", help="start again although the run exists")
    spread = parser.add_argument_group("several processes", "one training; its result does not depend on their number")
    spread.add_argument("--nproc", type=int, default=1, help="processes on this machine, on GPUs one for each")
    spread.add_argument("--nnodes", type=int, default=1, help="machines; start the same command on each")
    spread.add_argument("--master", default="", help="HOST[:PORT] of one of the machines, where they meet")
    spread.add_argument("--restarts", type=int, default=3, help="starts from the last checkpoint when a process dies")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    parser.set_defaults(given=list(sys.argv[1:] if argv is None else argv))
    return run_command(parser, _train, argv)


def _train(arguments: argparse.Namespace) -> int:
    share_cores()
    from .processes.group import is_first, is_worker  # noqa: PLC0415 (torch is slow to import, and --help needs none)
    from .training.run_training import run_training  # noqa: PLC0415

    if arguments.model and arguments.cfg:
        raise InputError("give one of MODEL= and CFG=")
    overrides = {
        "model": "" if arguments.cfg else arguments.model,
        "cfg": "" if arguments.model else arguments.cfg,
        "task": arguments.task,
        "data": arguments.data,
        "epochs": arguments.epochs,
        "batch_size": arguments.batch,
        "size_wh": size_wxh(arguments.size) if arguments.size else None,
        "weights": arguments.weights,
        "teacher": arguments.teacher,
        "skip_bad": True if arguments.skip_bad == "1" else None,
    }
    resume = arguments.resume == "1"
    recipe, folder = (_resumed if resume else _fresh)(arguments, overrides)
    if (arguments.nproc, arguments.nnodes) != (1, 1) and not is_worker():
        return _launch(arguments, recipe, folder)
    status = run_training(recipe, folder, _start(arguments))
    if not is_first():
        return 0
    text = (
        f"{folder.best}: {status.metric} {status.best_value:.4f}, of step {status.best_step} of {status.step}\n"
        f"next: make export WEIGHTS={shlex.quote(str(folder.best))} TARGET=all"
    )
    measured = {str(status.metric): status.best_value, "step": status.best_step}
    record = {"run": str(folder.path), "best": str(folder.best), **measured}
    emit(text, record, arguments.json)
    return 0


def _launch(arguments: argparse.Namespace, recipe: "Recipe", folder: "RunFolder") -> int:
    """What can be seen to be wrong is said once, before there are several processes."""
    from .processes.launch import Launch, launch  # noqa: PLC0415
    from .training.run_training import check_start  # noqa: PLC0415

    how = Launch(
        num_processes=arguments.nproc,
        num_machines=arguments.nnodes,
        endpoint=arguments.master,
        max_restarts=arguments.restarts,
    )
    how.check()
    check_start(recipe, folder, _start(arguments), how.num_processes * how.num_machines)
    return launch(how, folder.path.name, arguments.given)


def _start(arguments: argparse.Namespace) -> "Start":
    return "resume" if arguments.resume == "1" else "replace" if arguments.replace else "new"


def _fresh(arguments: argparse.Namespace, overrides: dict[str, Any]) -> tuple["Recipe", "RunFolder"]:
    from .training.recipe import load_recipe  # noqa: PLC0415
    from .training.run_folder import RunFolder  # noqa: PLC0415
    from .training.settings import parse_settings  # noqa: PLC0415

    path, name = _recipe_and_name(arguments)
    recipe = load_recipe(path, parse_settings(arguments.set), **overrides)
    folder = RunFolder.named(arguments.runs, name)
    return recipe, folder


def _resumed(arguments: argparse.Namespace, overrides: dict[str, Any]) -> tuple["Recipe", "RunFolder"]:
    """The run's own recipe; what is given beside it must agree."""
    from .training.recipe import first_difference, load_recipe  # noqa: PLC0415
    from .training.run_folder import RunFolder  # noqa: PLC0415
    from .training.settings import parse_settings  # noqa: PLC0415

    if not (arguments.name or arguments.recipe or arguments.model or arguments.cfg):
        raise InputError("RESUME=1: NAME= is needed, the name of the run in runs/")
    name = arguments.name or _recipe_and_name(arguments)[1]
    folder = RunFolder.named(arguments.runs, name)
    if not folder.config.is_file():
        raise InputError(f"RESUME=1: there is no run {folder.path}")
    stored = load_recipe(folder.config)
    difference = first_difference(
        stored, load_recipe(arguments.recipe or folder.config, parse_settings(arguments.set), **overrides)
    )
    if difference:
        raise InputError(f"RESUME=1: {folder.path} was started with another recipe: {difference}; give another NAME=")
    return stored, folder


def _recipe_and_name(arguments: argparse.Namespace) -> tuple[Path, str]:
    """The recipe that is meant, and what to call a run of it."""
    from .training.recipe import default_recipe  # noqa: PLC0415

    if arguments.recipe:
        return arguments.recipe, arguments.name or arguments.recipe.stem
    if not arguments.model and not arguments.cfg:
        raise InputError("MODEL= or RECIPE= is needed (or CFG=), for example MODEL=yolo-fastestv2")
    path = default_recipe(arguments.model or "", arguments.data, cfg=arguments.cfg or "", task=arguments.task)
    network = arguments.model or Path(arguments.cfg).stem
    shared = not path.stem.startswith(f"{network}-")
    return path, arguments.name or (f"{network}-{path.stem}" if shared else path.stem)


if __name__ == "__main__":
    sys.exit(main())
