"""Runs as one HTML file that needs nothing else: their curves over the epochs, and the table."""

from collections.abc import Iterator, Sequence

from ..report.charts import Chart, Point, line_chart
from ..report.environment import page_environment
from .run import ComparedRun
from .table import differences, facts


def render(runs: Sequence[ComparedRun]) -> str:
    """One document without a single reference to anything outside of it."""
    template = page_environment("edgewright_edge.compare").get_template("compare.html.j2")
    return template.render(runs=runs, charts=[*_charts(runs)], facts=[*facts(runs)], differences=differences(runs))


def _charts(runs: Sequence[ComparedRun]) -> Iterator[Chart]:
    """Losses of a kind beside each other, then figures of a metric."""
    losses: dict[str, dict[str, Sequence[Point]]] = {}
    accuracies: dict[str, dict[str, Sequence[Point]]] = {}
    for run in runs:
        losses.setdefault(f"Loss, {run.recipe.get('loss.kind', run.task)}", {})[run.name] = run.losses
        accuracies.setdefault(f"{run.metric} on val", {})[run.name] = run.accuracies
    for title, curves in (losses | accuracies).items():
        known = {name: curve for name, curve in curves.items() if curve}
        if known:
            only = f": {next(iter(known))}" if len(known) == 1 else ""
            last = ", ".join(f"{name} {curve[-1][1]:.4g}" for name, curve in known.items())
            yield line_chart(f"{title}{only}", "epoch", known, description=f"At the end: {last}.")
