"""One start of a training in a run folder: data, log and progress around the loop."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import cv2
import torch

from ..errors import InputError
from ..processes.group import Place, is_restart, joined
from ..tasks.objective import objective_of
from .data import make_loader, open_data
from .freed_memory import keep_freed_memory
from .loop import Run, train
from .recipe import Recipe, recipe_toml
from .reports import Reports, Silence, run_reports
from .run_folder import RunFolder
from .start import fresh_training, resumed_training
from .state import Status
from .stop_signal import stop_on_signals
from .teacher import teacher_of

Start = Literal["new", "replace", "resume"]


def run_training(recipe: Recipe, folder: RunFolder, start: Start) -> Status:
    """Train to the end; where it stands then.  "new" refuses a folder that holds a training, "replace" clears it."""
    # The same sums in the same order on every machine; filling new memory, which comes with it, only costs time.
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    keep_freed_memory()
    cv2.setNumThreads(1)  # the loader's threads are the parallelism
    device = _device(recipe)
    with ExitStack() as stack:
        here = stack.enter_context(joined(device))
        say = _say if here.rank == 0 else _say_nothing
        data = open_data(recipe, say)
        loader = make_loader(recipe, data.train_set, here)
        if here.rank == 0:
            stack.enter_context(folder.locked())
        if is_restart() and folder.state.is_file():
            start = "resume"
        if start == "resume":
            training = resumed_training(recipe, folder, data.train_set, device, say)
        else:
            if here.rank == 0:
                _make_room(folder, "replace" if is_restart() else start)
            training = fresh_training(recipe, data.train_set, device, say)
            if here.rank == 0:
                folder.write_config(recipe_toml(recipe))
        if here.rank == 0:
            folder.write_skipped(data.skipped)
        header = training.status.header
        reports: Reports = Silence()
        if here.rank == 0:
            reports = stack.enter_context(
                run_reports(
                    recipe,
                    folder,
                    model=header.name,
                    dataset=data.train_set.name,
                    val_set=data.val_set,
                    first_step=training.status.step,
                    steps_per_epoch=loader.steps_per_epoch,
                )
            )
        with device:
            objective = objective_of(header, recipe.loss)
            teacher = teacher_of(Path(recipe.teacher), header, recipe.distillation) if recipe.teacher else None
        run = Run(
            recipe=recipe,
            folder=folder,
            place=here,
            device=device,
            loader=loader,
            objective=objective,
            teacher=teacher,
            val_set=data.val_set,
            reports=reports,
            stop=stack.enter_context(stop_on_signals()),
        )
        train(run, training)
    return training.status


def _device(recipe: Recipe) -> torch.device:
    """The GPU of this process, or the CPU."""
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: 'cuda', but PyTorch sees no GPU; 'auto' takes one where there is one")
    if recipe.device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def check_start(recipe: Recipe, folder: RunFolder, start: Start, num_processes: int) -> None:
    """Raises the `InputError` that a start in so many processes would, where it can be seen from here."""
    with ExitStack() as stack:
        stack.enter_context(folder.locked())
        if start == "new":
            _require_new(folder)
    data = open_data(recipe, _say_nothing)
    make_loader(recipe, data.train_set, Place(0, num_processes))


def _make_room(folder: RunFolder, start: Start) -> None:
    if start == "replace":
        folder.clear()
    else:
        _require_new(folder)


def _require_new(folder: RunFolder) -> None:
    if folder.state.is_file():
        raise InputError(
            f"NAME={folder.path.name}: {folder.path} holds a training; RESUME=1 continues it, another NAME= keeps it, "
            "--replace starts again"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _say_nothing(text: str) -> None:
    pass
