"""One training as it is compared: what it was asked, what came out, and its curves over the epochs."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.errors import InputError
from edgewright_train.schema import load_toml
from edgewright_train.tasks.evaluation import Metric
from edgewright_train.training.run_folder import RunFolder
from edgewright_train.training.run_log import FIGURES, LOG_VERSION

from ..report.charts import Point
from ..report.database import reading
from ..report.training_log import ACCURACIES, averaged_steps, evaluations, is_number, metric_of, points


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """What the log holds of a training; it may still go on.

    Attributes:
        name: as the user gave it.
        metric: by which its best weights were chosen.
        best_epoch: of the best evaluation on val.
        figures: of that evaluation, under the names the field uses.
        epochs: that were evaluated.
        images_per_second: over all steps, the waiting for data included.
        seconds: from the start of each part of the training to the last of its rows that were not taken back.
        num_parameters, num_stored: of the best checkpoint, without and with batch-norm statistics; None: it is gone.
        recipe: by key, those of a table as `table.key`.
        losses, accuracies: (epochs, value): the training loss, and `metric` on val.
    """

    name: str
    task: str
    model: str
    dataset: str
    metric: Metric
    best_epoch: int
    figures: Mapping[str, float]
    epochs: int
    images_per_second: float | None
    seconds: float
    num_parameters: int | None
    num_stored: int | None
    recipe: Mapping[str, Any]
    losses: Sequence[Point]
    accuracies: Sequence[Point]


def find_run(name: str, runs: Path) -> RunFolder:
    """The folder `name` in `runs`, or at that path.  Raises `InputError` that lists the runs there are."""
    folder = next((RunFolder(path) for path in (runs / name, Path(name)) if path.is_dir()), None)
    if folder is None:
        known = ", ".join(sorted(log.parent.name for log in runs.glob("*/log.sqlite"))) or "none"
        raise InputError(f"RUNS: {name}: no such run; those in {runs}: {known}")
    if not folder.log.is_file():
        raise InputError(f"RUNS: {name}: {folder.path} has no {folder.log.name}, by which trainings are compared")
    return folder


def read_run(name: str, folder: RunFolder) -> ComparedRun:
    """Raises `InputError` for a log of another version, and for one without an evaluation."""
    with reading(folder.log) as log:
        (version,) = log.execute("PRAGMA user_version").fetchone()
        if version != LOG_VERSION:
            raise InputError(f"{folder.log}: written by another version of edgewright: {version}, not {LOG_VERSION}")
        metric = metric_of(log)
        best = log.execute("SELECT * FROM eval_summary WHERE best ORDER BY iteration DESC").fetchone()
        if metric is None or best is None:
            raise InputError(f"{folder.path}: has no evaluation yet")
        start = log.execute("SELECT model, dataset FROM run ORDER BY run_id DESC").fetchone()
        recipe = load_toml(folder.config)
        (epochs,) = log.execute("SELECT MAX(epoch) FROM eval_summary").fetchone()
        steps_per_epoch = best["iteration"] / best["epoch"]
        num_parameters, num_stored = _sizes(folder.best)
        return ComparedRun(
            name=name,
            task=str(recipe.get("task", "")),
            model=start["model"],
            dataset=start["dataset"],
            metric=metric,
            best_epoch=best["epoch"],
            figures={each: best[column] for each, column in FIGURES.items() if is_number(best[column])},
            epochs=epochs,
            images_per_second=_images_per_second(log),
            seconds=sum(_seconds(log)),
            num_parameters=num_parameters,
            num_stored=num_stored,
            recipe=dict(_flat(recipe)),
            losses=_by_epoch(points(averaged_steps(log, ["loss"]), "loss"), steps_per_epoch),
            accuracies=_by_epoch(points(evaluations(log, metric), ACCURACIES[metric][metric]), steps_per_epoch),
        )


def differing(runs: Sequence[ComparedRun]) -> dict[str, list[Any]]:
    """Keys of the recipes that are not the same in all runs, with their values; None where a recipe has none."""
    keys = dict.fromkeys(key for run in runs for key in run.recipe)
    values = {key: [run.recipe.get(key) for run in runs] for key in keys}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def _images_per_second(log: sqlite3.Connection) -> float | None:
    images, seconds = log.execute(
        "SELECT SUM(batch_size), SUM(batch_size / images_per_second) FROM loss WHERE images_per_second > 0"
    ).fetchone()
    return images / seconds if seconds else None


def _seconds(log: sqlite3.Connection) -> Iterator[float]:
    """Of each start that has rows."""
    ends = log.execute(
        "SELECT run.utc AS first, MAX(rows.utc) AS last FROM run JOIN "
        "(SELECT run_id, utc FROM loss UNION ALL SELECT run_id, utc FROM eval_summary) AS rows USING (run_id) "
        "GROUP BY run_id"
    )
    for first, last in ends:
        yield (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def _sizes(checkpoint: Path) -> tuple[int | None, int | None]:
    if not checkpoint.is_file():
        return None, None
    network = load_checkpoint(checkpoint).network
    stored = sum(tensor.numel() for tensor in network.state_dict().values() if tensor.is_floating_point())
    return sum(parameter.numel() for parameter in network.parameters()), stored


def _by_epoch(curve: Sequence[Point], steps_per_epoch: float) -> list[Point]:
    return [(iteration / steps_per_epoch, value) for iteration, value in curve]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
