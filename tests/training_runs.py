"""Trainings of seconds, for tests: sixteen 64x64 images of the generated set, two epochs of four steps."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from edgewright_train.__main__ import main
from edgewright_train.training.recipe import RECIPES, Recipe, load_recipe, recipe_toml
from edgewright_train.training.run_folder import RunFolder

DATA = 'format = "shapes"\nwidth = 64\nheight = 64\ntrain = 16\nval = 4\ntest = 4\n'


CONV = "[convolutional]\nbatch_normalize=1\nfilters=32\nsize=3\nstride=2\npad=1\nactivation=leaky\n"
TINY_CFG = f"""[net]
width=64
height=64
channels=3
{CONV * 3}[convolutional]
filters=22
size=1
activation=linear
[yolo]
mask=0,1
anchors=14,14, 30,30
num=2
classes=6
iou_loss=ciou
iou_normalizer=0.5
iou_thresh=0.3
"""


def write_recipe(folder: Path, base: str = "yolo-fastestv2-shapes", **changes: Any) -> Path:
    """A recipe and its data set in `folder`.  `changes` by key; those of a table by `table__key`."""
    data, path = folder / "data.toml", folder / "tiny.toml"
    data.write_text(DATA)
    plain = {key: value for key, value in changes.items() if "__" not in key}
    values = {"data": str(data), "size_wh": (64, 64), "epochs": 2, "batch_size": 4, "save_every": 1} | plain
    recipe = load_recipe(RECIPES / f"{base}.toml", **values)
    for key, value in changes.items():
        if "__" in key:
            table, name = key.split("__")
            recipe = recipe.model_copy(update={table: getattr(recipe, table).model_copy(update={name: value})})
    path.write_text(recipe_toml(Recipe.model_validate_json(recipe.model_dump_json())))
    return path


def write_cfg(folder: Path) -> Path:
    """A detector of the generated set's six classes, of four layers."""
    (folder / "tiny.cfg").write_text(TINY_CFG)
    return folder / "tiny.cfg"


def train(folder: Path, recipe: Path, *options: str, name: str = "run") -> int:
    """Run the command here, with runs in `folder`."""
    return main([f"--recipe={recipe}", f"--runs={folder}", f"--name={name}", *options])


def start(folder: Path, recipe: Path, *options: str, name: str = "run", **popen: Any) -> "subprocess.Popen[str]":
    """Run the command as a process of its own."""
    arguments = [f"--recipe={recipe}", f"--runs={folder}", f"--name={name}", *options]
    command = [sys.executable, "-m", "edgewright_train", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **popen)


def run_folder(folder: Path, name: str = "run") -> RunFolder:
    return RunFolder(folder / name)


def saved_step(folder: Path, name: str = "run") -> int:
    """At which a training that may be running stands on disk; -1 before anything is saved.

    The file is opened once, as it is replaced again and again.
    """
    try:
        data = run_folder(folder, name).state.read_bytes()
    except FileNotFoundError:
        return -1
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    step: int = json.loads(header["__metadata__"]["edgewright-training"])["step"]
    return step
