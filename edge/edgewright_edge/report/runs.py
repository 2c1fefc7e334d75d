"""Trainings as a report shows them: curves and facts from the log.sqlite of each run (schema: run_log.py)."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgewright_train.errors import InputError
from edgewright_train.training.run_folder import RunFolder

from .charts import Chart, line_chart
from .database import reading
from .training_log import ACCURACIES, LEAST_SPAN, averaged_steps, evaluations, is_number, metric_of, points

_MOST_RECIPE_LETTERS = 20_000
# Curve -> column.  A task has some of the terms.
_COMPONENTS = {
    "total": "loss",
    "box": "box",
    "objectness": "objectness",
    "class": "classification",
    "dice": "dice",
    "distillation": "distillation",
}


@dataclass(frozen=True)
class Run:
    """One folder of runs/.  `problem` says why there are no curves.

    Attributes:
        facts: (name, value) pairs worth a line.
    """

    name: str
    problem: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    charts: tuple[Chart, ...] = ()
    recipe: str = ""


def read_runs(runs: Path) -> list[Run]:
    """Every run that has a log or weights, by name."""
    folders = [RunFolder(path) for path in sorted(runs.iterdir()) if path.is_dir()] if runs.is_dir() else []
    return [_read_run(folder) for folder in folders if folder.log.is_file() or folder.best.is_file()]


def _read_run(folder: RunFolder) -> Run:
    if not folder.log.is_file():
        return Run(folder.path.name, "Weights without a training log: they were imported, not trained here.")
    try:
        with reading(folder.log) as log:
            charts = (*_loss_charts(log), *_accuracy_charts(log))
            if not charts:
                return Run(folder.path.name, "Its training has not logged a step yet.")
            return Run(folder.path.name, facts=tuple(_facts(log)), charts=charts, recipe=_recipe(log))
    except InputError as error:
        return Run(folder.path.name, f"Its log cannot be read: {error}")


def _loss_charts(log: sqlite3.Connection) -> Iterator[Chart]:
    """Loss and learning rate, averaged over equal stretches of the run."""
    rows = averaged_steps(log, (*_COMPONENTS.values(), "learning_rate"))
    if not rows:
        return
    losses = {name: found for name, column in _COMPONENTS.items() if (found := points(rows, column))}
    final = ", ".join(f"{name} {found[-1][1]:.3g}" for name, found in losses.items())
    if final:
        yield line_chart("Loss", "iteration", losses, description=f"At the end of the training: {final}.")
    rates = points(rows, "learning_rate")
    if rates:
        highest = max(rate for _, rate in rates)
        text = f"Rises to {highest:.3g} and ends at {rates[-1][1]:.3g}."
        yield line_chart("Learning rate", "iteration", {"learning rate": rates}, description=text)


def _accuracy_charts(log: sqlite3.Connection) -> Iterator[Chart]:
    metric = metric_of(log)
    if metric is None:
        return
    columns, rows = ACCURACIES[metric], evaluations(log, metric)
    series = {name: found for name, column in columns.items() if (found := points(rows, column))}
    last = ", ".join(f"{name} {found[-1][1]:.4f}" for name, found in series.items())
    if last:
        text = f"Last evaluation: {last}."
        yield line_chart("Accuracy on val", "iteration", series, description=text, least_span=LEAST_SPAN)


def _facts(log: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    start = log.execute("SELECT utc, model, dataset, torch, num_threads FROM run ORDER BY run_id DESC").fetchone()
    steps = log.execute("SELECT iteration, epoch, images FROM loss ORDER BY iteration DESC").fetchone()
    best = log.execute("SELECT * FROM eval_summary WHERE best ORDER BY iteration DESC").fetchone()
    metric = metric_of(log)
    if start is not None:
        yield "model", str(start["model"])
        yield "data", str(start["dataset"])
    if metric and best is not None and is_number(value := best[ACCURACIES[metric][metric]]):
        yield f"best {metric}", f"{value:.4f} at iteration {best['iteration']}"
    if steps is not None:
        yield "length", f"{steps['iteration']} iterations to epoch {steps['epoch']}, {steps['images']} images"
    if start is not None:
        yield "started", f"{str(start['utc'])[:16].replace('T', ' ')} UTC"
        yield "with", f"PyTorch {start['torch']}, threads: {start['num_threads']}"


def _recipe(log: sqlite3.Connection) -> str:
    row = log.execute("SELECT recipe FROM run ORDER BY run_id DESC").fetchone()
    return str(row["recipe"])[:_MOST_RECIPE_LETTERS] if row is not None else ""
