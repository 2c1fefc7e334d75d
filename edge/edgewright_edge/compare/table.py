"""Runs as a table: a line for each fact, a column for each run."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from .run import ComparedRun, differing

_NONE = "-"
Line = tuple[str, list[str]]


def facts(runs: Sequence[ComparedRun]) -> Iterator[Line]:
    """What each run is and what came of it."""
    yield "task", [run.task for run in runs]
    yield "network", [run.model for run in runs]
    yield "data", [run.dataset for run in runs]
    for name in dict.fromkeys(name for run in runs for name in run.figures):
        yield f"best {name}", [_figure(run.figures.get(name)) for run in runs]
    yield "best after epoch", [f"{run.best_epoch} of {run.epochs}" for run in runs]
    yield "images/s", [_NONE if run.images_per_second is None else f"{run.images_per_second:.1f}" for run in runs]
    yield "time", [_duration(run.seconds) for run in runs]
    yield "parameters", [_count(run.num_parameters) for run in runs]
    yield "values stored", [_count(run.num_stored) for run in runs]


def differences(runs: Sequence[ComparedRun]) -> list[Line]:
    """Of the recipes, in their order, without what `facts` say."""
    lines = [(key, values) for key, values in differing(runs).items() if key not in ("task", "model")]
    return [(key, [_NONE if value is None else str(value) for value in values]) for key, values in lines]


def as_text(runs: Sequence[ComparedRun]) -> str:
    """The facts, then what the recipes do not have in common."""
    table = Table()
    table.add_column("", no_wrap=True)
    for run in runs:
        table.add_column(run.name, overflow="fold")
    for name, values in facts(runs):
        table.add_row(name, *values)
    lines = differences(runs)
    if lines:
        table.add_section()
    for name, values in lines:
        table.add_row(name, *values)
    console = Console(highlight=False, markup=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()


def as_record(runs: Sequence[ComparedRun]) -> dict[str, Any]:
    """For JSON: everything but the points of the curves and what the recipes have in common."""
    hidden = ("recipe", "losses", "accuracies")
    rows = [{key: value for key, value in asdict(run).items() if key not in hidden} for run in runs]
    return {"runs": rows, "recipe_differences": differing(runs)}


def _figure(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4f}"


def _count(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{seconds / 60:.1f} min"
