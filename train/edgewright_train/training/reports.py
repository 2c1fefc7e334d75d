"""Whom a training tells what it does: log.sqlite, TensorBoard and the person at the terminal, or nobody."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from ..data.dataset import Dataset
from ..tasks.evaluation import Evaluation
from .board import Board
from .recipe import Recipe, recipe_toml
from .run_folder import RunFolder
from .run_log import RunLog, figures_of
from .shown_progress import TrainingProgress

_MOST_FIGURES = 3  # of an evaluation, on the line that a person sees


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of the optimiser was like.

    Attributes:
        step: steps done, from 1.
        epoch: from 1.
        images: samples seen so far.
        average_loss: 0.9 * old + 0.1 * new.
        terms: weighted; their sum is `loss`.
        batch_size: images of the step, over all processes.
    """

    step: int
    epoch: int
    images: int
    loss: float
    average_loss: float
    terms: Mapping[str, float]
    learning_rate: float
    batch_size: int
    images_per_second: float


class Reports(Protocol):
    """What a training tells."""

    def step(self, step: Step) -> None: ...

    def evaluating(self, done: int, total: int) -> None: ...

    def evaluation(self, step: int, epoch: int, result: Evaluation, *, best: bool) -> None: ...

    def say(self, text: str) -> None:
        """A line that stays."""

    def flush(self) -> None:
        """Everything told so far is on disk."""


class Silence:
    """The reports of all processes but the first."""

    def step(self, step: Step) -> None:
        pass

    def evaluating(self, done: int, total: int) -> None:
        pass

    def evaluation(self, step: int, epoch: int, result: Evaluation, *, best: bool) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass


@dataclass(frozen=True)
class RunReports:
    """The reports of a run folder."""

    log: RunLog
    board: Board
    progress: TrainingProgress
    num_epochs: int

    def step(self, step: Step) -> None:
        self.log.loss(
            step.step,
            step.epoch,
            images=step.images,
            average=step.average_loss,
            loss=step.loss,
            terms=step.terms,
            learning_rate=step.learning_rate,
            batch_size=step.batch_size,
            images_per_second=step.images_per_second,
        )
        self.board.step(step.step, {"loss": step.loss, "learning_rate": step.learning_rate, **step.terms})
        self.progress.step(
            step.step,
            step.epoch,
            loss=step.average_loss,
            learning_rate=step.learning_rate,
            images_per_second=step.images_per_second,
        )

    def evaluating(self, done: int, total: int) -> None:
        self.progress.evaluation(done, total)

    def evaluation(self, step: int, epoch: int, result: Evaluation, *, best: bool) -> None:
        self.log.evaluation(step, epoch, result, best=best)
        found = figures_of(result)
        self.board.evaluation(step, found, result)
        parts = [f"{name} {'none' if figure is None else f'{figure:.4f}'}" for name, figure in found.items()]
        shown = "  ".join(parts[:_MOST_FIGURES])
        self.say(f"epoch {epoch}/{self.num_epochs}  {shown}{'  (best)' if best else ''}  {result.seconds:.1f} s")

    def say(self, text: str) -> None:
        self.progress.say(text)

    def flush(self) -> None:
        self.log.flush()


@contextmanager
def run_reports(
    recipe: Recipe,
    folder: RunFolder,
    *,
    model: str,
    dataset: str,
    val_set: Dataset,
    first_step: int,
    steps_per_epoch: int,
) -> Iterator[RunReports]:
    """Open the log and the rest for a training that goes on after `first_step`."""
    log = RunLog(
        folder.log,
        first_iteration=first_step,
        model=model,
        dataset=dataset,
        recipe=recipe_toml(recipe),
        torch=torch.__version__,
        num_threads=recipe.threads,
    )
    progress = TrainingProgress(
        first_step=first_step, num_steps=recipe.epochs * steps_per_epoch, num_epochs=recipe.epochs
    )
    with ExitStack() as stack:
        stack.enter_context(closing(log))
        board = stack.enter_context(Board(folder.tensorboard, first_step=first_step, val_set=val_set))
        yield RunReports(log, board, stack.enter_context(progress), recipe.epochs)
