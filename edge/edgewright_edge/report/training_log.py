"""What the log.sqlite of a training says (schema: run_log.py), as the points of curves."""

import math
import sqlite3
from collections.abc import Iterable, Sequence

from edgewright_train.tasks.evaluation import Metric

from .charts import Point

_MOST_POINTS = 240  # of a curve; more would not be seen
_MOST_EVALUATIONS = 1000
LEAST_SPAN = 0.01  # of an axis of such figures; a training that finds nothing is a line at 0
# By the metric that chooses the best weights: name -> column.
ACCURACIES: dict[Metric, dict[str, str]] = {
    "AP50": {"AP50": "ap50", "AP": "ap"},
    "top1": {"top1": "top1", "top5": "top5"},
    "F1": {"F1": "f1", "macro F1": "macro_f1"},
    "mIoU": {"mIoU": "miou", "pixel accuracy": "pixel_accuracy"},
}


def metric_of(log: sqlite3.Connection) -> Metric | None:
    """Of the last evaluation; None when there is none, or of a metric that nobody here knows."""
    row = log.execute("SELECT metric FROM eval_summary ORDER BY iteration DESC").fetchone()
    return next((known for known in ACCURACIES if row is not None and row["metric"] == known), None)


def averaged_steps(log: sqlite3.Connection, columns: Iterable[str]) -> list[sqlite3.Row]:
    """`columns` of the steps, averaged over equal stretches of the run, with the last `iteration` of each."""
    (last,) = log.execute("SELECT CAST(COALESCE(MAX(iteration), 0) AS INTEGER) FROM loss").fetchone()
    stretch = max(1, math.ceil(last / _MOST_POINTS))
    known = {row["name"] for row in log.execute("PRAGMA table_info(loss)")}  # an older log has not all
    averages = ", ".join(f"{f'AVG({column})' if column in known else 'NULL'} AS {column}" for column in columns)
    return log.execute(
        f"SELECT MAX(iteration) AS iteration, {averages} FROM loss WHERE iteration > 0 "  # noqa: S608 (our names)
        "GROUP BY (iteration - 1) / ? ORDER BY 1 LIMIT ?",
        (stretch, _MOST_POINTS),
    ).fetchall()


def evaluations(log: sqlite3.Connection, metric: Metric) -> list[sqlite3.Row]:
    """`iteration` and the columns of `ACCURACIES`."""
    return log.execute(
        f"SELECT iteration, {', '.join(ACCURACIES[metric].values())} FROM eval_summary "  # noqa: S608 (our names)
        "WHERE metric = ? ORDER BY iteration DESC LIMIT ?",
        (metric, _MOST_EVALUATIONS),
    ).fetchall()[::-1]


def points(rows: Sequence[sqlite3.Row], column: str) -> list[Point]:
    """Of `column` over the iteration, where both are finite numbers: SQLite keeps NaN as NULL, any type anywhere."""
    pairs = ((row["iteration"], row[column]) for row in rows)
    return [(float(x), float(y)) for x, y in pairs if is_number(x) and is_number(y)]


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
