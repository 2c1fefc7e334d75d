"""Runs as one HTML file that needs nothing else: their curves over the epochs, and the table."""

from collections.abc import Iterator, Sequence

from ..report.charts import Chart, Point, line_chart
from ..report.environment import page_environment
from ..report.training_log import LEAST_SPAN
from .run import ComparedRun
from .table import differences, facts


def render(runs: Sequence[ComparedRun]) -> str:
    """One document without a single reference to anything outside of it."""
    template = page_environment("edgewright_edge.compare").get_template("compare.html.j2")
    return template.render(runs=runs, charts=[*_charts(runs)], facts=[*facts(runs)], differences=differences(runs))


def _charts(runs: Sequence[ComparedRun]) -> Iterator[Chart]:
    """Losses of a kind beside each other, then figures of a metric."""
    losses, accuracies = dict[str, dict[str, Sequence[Point]]](), dict[str, dict[str, Sequence[Point]]]()
    for run in runs:
        losses.setdefault(f"Loss, {run.recipe.get('loss.kind', run.task)}", {})[run.name] = run.losses
        accuracies.setdefault(f"{run.metric} on val", {})[run.name] = run.accuracies
    for group, least_span in ((losses, 0.0), (accuracies, LEAST_SPAN)):
        for title, curves in group.items():
            known = {name: curve for name, curve in curves.items() if curve}
            if known:
                only = f": {next(iter(known))}" if len(known) == 1 else ""
                last = f"At the end: {', '.join(f'{name} {curve[-1][1]:.4g}' for name, curve in known.items())}."
                yield line_chart(f"{title}{only}", "epoch", known, description=last, least_span=least_span)
