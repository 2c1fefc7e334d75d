"""One start of a training in a run folder: data, log and progress around the loop."""

import sys
from contextlib import ExitStack, closing
from typing import Literal

import cv2
import torch
from torch.utils.tensorboard import SummaryWriter

from .data.cached import Cached
from .data.dataset import Dataset
from .data.loader import Loader
from .data.resolve import list_splits, open_split
from .data.splits import ALL
from .errors import InputError
from .loop import Run, train
from .recipe import Recipe, recipe_toml
from .run_folder import RunFolder
from .run_log import RunLog
from .start import fresh_training, resumed_training
from .stop_signal import stop_on_signals
from .tasks.objective import objective_of
from .training_progress import TrainingProgress
from .training_state import Status

Start = Literal["new", "replace", "resume"]


def run_training(recipe: Recipe, folder: RunFolder, start: Start) -> Status:
    """Train to the end; where it stands then.  "new" refuses a folder that holds a training, "replace" clears it."""
    # The same sums in the same order on every machine; filling new memory, which comes with it, only costs time.
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    cv2.setNumThreads(1)  # the loader's threads are the parallelism
    train_set, val_set = _open_data(recipe)
    loader = _loader(recipe, train_set)
    with ExitStack() as stack:
        stack.enter_context(folder.locked())
        if start == "resume":
            training = resumed_training(recipe, folder, train_set, _say)
        else:
            _make_room(folder, start)
            training = fresh_training(recipe, train_set, _say)
            folder.write_config(recipe_toml(recipe))
        first_step = training.status.step
        log = RunLog(
            folder.log,
            first_iteration=first_step,
            model=training.status.header.name,
            dataset=train_set.name,
            recipe=recipe_toml(recipe),
            torch=torch.__version__,
            num_threads=recipe.threads,
        )
        num_steps = recipe.epochs * loader.steps_per_epoch
        run = Run(
            recipe=recipe,
            folder=folder,
            loader=loader,
            objective=objective_of(training.status.header, recipe.loss),
            val_set=val_set,
            log=stack.enter_context(closing(log)),
            board=stack.enter_context(SummaryWriter(str(folder.tensorboard), purge_step=first_step + 1)),
            progress=stack.enter_context(
                TrainingProgress(first_step=first_step, num_steps=num_steps, num_epochs=recipe.epochs)
            ),
            stop=stack.enter_context(stop_on_signals()),
        )
        train(run, training)
    return training.status


def _make_room(folder: RunFolder, start: Start) -> None:
    if start == "replace":
        folder.clear()
    elif folder.state.is_file():
        raise InputError(
            f"NAME={folder.path.name}: {folder.path} holds a training; RESUME=1 continues it, another NAME= keeps it, "
            "--replace starts again"
        )


def _open_data(recipe: Recipe) -> tuple[Dataset, Dataset]:
    train_set, val_set = (open_split(recipe.data, split, recipe.task) for split in ("train", "val"))
    if train_set.labels != val_set.labels:
        raise InputError(f"DATA={recipe.data}: train has the classes {train_set.labels}, val has {val_set.labels}")
    if list_splits(recipe.data, recipe.task) == (ALL,):
        _say(f"{train_set.name}: no split is held out, so the accuracy below is that on the training images")
    return Cached(train_set, recipe.cache_megabytes << 20), val_set


def _loader(recipe: Recipe, train_set: Dataset) -> Loader:
    loader = Loader(
        task=recipe.task,
        dataset=train_set,
        size_wh=recipe.size_wh,
        augmentation=recipe.augmentation,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        num_workers=recipe.workers,
    )
    if not loader.steps_per_epoch:
        raise InputError(f"BATCH={recipe.batch_size}: {train_set.name} has only {len(train_set)} images")
    return loader


def _say(text: str) -> None:
    print(text, file=sys.stderr)
