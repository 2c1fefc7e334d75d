"""Trainings as a report shows them: curves and facts from the log.sqlite of each run (schema: run_log.py)."""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgewright_train.errors import InputError
from edgewright_train.run_folder import RunFolder
from edgewright_train.tasks.evaluation import Metric

from .charts import Chart, Point, line_chart
from .database import reading

_MOST_POINTS = 240  # of a curve; more would not be seen
_MOST_EVALUATIONS = 1000
_MOST_RECIPE_LETTERS = 20_000
# Curve -> column.  A task has some of the terms.
_COMPONENTS = {"total": "loss", "box": "box", "objectness": "objectness", "class": "classification", "dice": "dice"}
# By the metric that chooses the best weights.
_ACCURACIES: dict[Metric, dict[str, str]] = {
    "AP50": {"AP50": "ap50", "AP": "ap"},
    "top1": {"top1": "top1", "top5": "top5"},
    "F1": {"F1": "f1", "macro F1": "macro_f1"},
    "mIoU": {"mIoU": "miou", "pixel accuracy": "pixel_accuracy"},
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
    (last,) = log.execute("SELECT CAST(COALESCE(MAX(iteration), 0) AS INTEGER) FROM loss").fetchone()
    stretch = max(1, math.ceil(last / _MOST_POINTS))
    averages = ", ".join(f"AVG({column}) AS {column}" for column in (*_COMPONENTS.values(), "learning_rate"))
    rows = log.execute(
        f"SELECT MAX(iteration) AS iteration, {averages} FROM loss WHERE iteration > 0 "  # noqa: S608 (our names)
        "GROUP BY (iteration - 1) / ? ORDER BY 1 LIMIT ?",
        (stretch, _MOST_POINTS),
    ).fetchall()
    if not rows:
        return
    losses = {name: points for name, column in _COMPONENTS.items() if (points := _points(rows, column))}
    final = ", ".join(f"{name} {points[-1][1]:.3g}" for name, points in losses.items())
    if final:
        yield line_chart("Loss", "iteration", losses, description=f"At the end of the training: {final}.")
    rates = _points(rows, "learning_rate")
    if rates:
        highest = max(rate for _, rate in rates)
        text = f"Rises to {highest:.3g} and ends at {rates[-1][1]:.3g}."
        yield line_chart("Learning rate", "iteration", {"learning rate": rates}, description=text)


def _accuracy_charts(log: sqlite3.Connection) -> Iterator[Chart]:
    metric = _metric(log)
    if metric is None:
        return
    columns = _ACCURACIES[metric]
    rows = log.execute(
        f"SELECT iteration, {', '.join(columns.values())} FROM eval_summary "  # noqa: S608 (our names)
        "WHERE metric = ? ORDER BY iteration DESC LIMIT ?",
        (metric, _MOST_EVALUATIONS),
    ).fetchall()[::-1]
    series = {name: points for name, column in columns.items() if (points := _points(rows, column))}
    last = ", ".join(f"{name} {points[-1][1]:.4f}" for name, points in series.items())
    if last:
        yield line_chart("Accuracy on val", "iteration", series, description=f"Last evaluation: {last}.")


def _metric(log: sqlite3.Connection) -> Metric | None:
    """Of the last evaluation; None when there is none, or of a metric that nobody here knows."""
    row = log.execute("SELECT metric FROM eval_summary ORDER BY iteration DESC").fetchone()
    return next((known for known in _ACCURACIES if row is not None and row["metric"] == known), None)


def _points(rows: list[sqlite3.Row], column: str) -> list[Point]:
    """Where both are finite numbers: SQLite keeps NaN as NULL, and any type in any column."""
    pairs = ((row["iteration"], row[column]) for row in rows)
    return [(float(x), float(y)) for x, y in pairs if _is_number(x) and _is_number(y)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _facts(log: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    start = log.execute("SELECT utc, model, dataset, torch, num_threads FROM run ORDER BY run_id DESC").fetchone()
    steps = log.execute("SELECT iteration, epoch, images FROM loss ORDER BY iteration DESC").fetchone()
    best = log.execute("SELECT * FROM eval_summary WHERE best ORDER BY iteration DESC").fetchone()
    metric = _metric(log)
    if start is not None:
        yield "model", str(start["model"])
        yield "data", str(start["dataset"])
    if metric and best is not None and _is_number(value := best[_ACCURACIES[metric][metric]]):
        yield f"best {metric}", f"{value:.4f} at iteration {best['iteration']}"
    if steps is not None:
        yield "length", f"{steps['iteration']} iterations to epoch {steps['epoch']}, {steps['images']} images"
    if start is not None:
        yield "started", f"{str(start['utc'])[:16].replace('T', ' ')} UTC"
        yield "with", f"PyTorch {start['torch']}, threads: {start['num_threads']}"


def _recipe(log: sqlite3.Connection) -> str:
    row = log.execute("SELECT recipe FROM run ORDER BY run_id DESC").fetchone()
    return str(row["recipe"])[:_MOST_RECIPE_LETTERS] if row is not None else ""
