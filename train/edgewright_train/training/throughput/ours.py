"""The trainer that `edgewright-train` is, with a clock in it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...data.dataset import Dataset
from ...data.loader import Batch
from ...processes.group import ALONE
from ...tasks.objective import objective_of
from ..data import make_loader
from ..freed_memory import keep_freed_memory
from ..loop import Run, take_step
from ..recipe import Recipe
from ..reports import Silence
from ..run_folder import RunFolder
from ..start import fresh_training
from ..state import save_state
from ..stop_signal import StopSignal
from .shares import Shares


class OurTrainer:
    """Trains for ever, into no run folder; a step is one batch."""

    def __init__(self, recipe: Recipe, dataset: Dataset) -> None:
        keep_freed_memory()
        self.shares = Shares()
        device = torch.device("cpu")
        self._training = fresh_training(recipe, dataset, device, lambda _: None)
        objective = objective_of(self._training.status.header, recipe.loss)
        loader = make_loader(recipe, dataset, ALONE)

        def timed_objective(outputs: Any, targets: torch.Tensor) -> Any:
            with self.shares.timed("loss"):
                return objective(outputs, targets)

        self._run = Run(
            recipe=recipe,
            folder=RunFolder(Path()),
            place=ALONE,
            device=device,
            loader=loader,
            objective=timed_objective,
            teacher=None,
            val_set=dataset,
            reports=Silence(),
            stop=StopSignal(),
        )
        self._batches = loader.batches(0, recipe.epochs * loader.steps_per_epoch)
        network, start = self._training.network, 0.0

        def begin(*_: Any) -> None:
            nonlocal start
            start = time.perf_counter()

        def end(*_: Any) -> None:
            self.shares.seconds["forward"] += time.perf_counter() - start

        network.register_forward_pre_hook(begin)
        network.register_forward_hook(end)
        self._training.optimizer.register_step_pre_hook(self._updating)

    def _updating(self, *_: Any) -> None:
        self._update_start = time.perf_counter()

    def step(self) -> None:
        with self.shares.timed("loading"):
            parts: Sequence[Batch] = next(self._batches)
        seconds = self.shares.seconds
        before, start = seconds["forward"] + seconds["loss"], time.perf_counter()
        take_step(self._run, self._training, parts)
        end = time.perf_counter()
        seconds["update"] += end - self._update_start
        seconds["backward"] += self._update_start - start - (seconds["forward"] + seconds["loss"] - before)

    def save(self, path: Path) -> None:
        """A checkpoint to resume from."""
        save_state(path, self._training)
