"""log.sqlite of a run: what happened at every step and every evaluation.

Table and column names are those of LightNet's log where it has them.  Every table has `run_id` (one number for each
start of a training; 1 is the first) and `utc` (ISO 8601 text).  A resumed training continues the rows of its
predecessor: those beyond the step it resumes from are deleted, so that (iteration) is unique in `loss`.

    run           run_id, utc, first_iteration, model, dataset, recipe (TOML), torch (version), num_threads
    loss          run_id, utc, iteration (steps done, from 1), epoch (from 1), images (samples seen so far),
                  avg_loss (0.9 * old + 0.1 * new), loss, its weighted terms, of which a task has some: box, objectness,
                  classification, dice, distillation; learning_rate, batch_size, images_per_second
    eval          per class and evaluation of a detector: run_id, utc, iteration, epoch, mode ("val"), name (class),
                  ap, ap50; of the detections of a score of at least 0.3, by VOC's rule at IoU 0.5: iou (mean of the
                  right ones), tp, fn, fp
    eval_class    of a classifier: run_id .. name, top1, f1, images
    eval_seg      of a segmenter: run_id .. name, iou, tp, fn, fp (pixels)
    eval_summary  per evaluation: run_id, utc, iteration, epoch, mode, metric (by which the best is chosen), the figures
                  of the task (`FIGURES`), images, seconds, best (1: became best.safetensors)

NULL stands for a figure that the task does not have, or of something that the data set does not hold.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

from ..errors import CheckError
from ..tasks.detect.detections import DEFAULT_SCORE_THRESHOLD
from ..tasks.detect.evaluate import Evaluation as DetectorEvaluation
from ..tasks.evaluation import Evaluation, Metric
from ..tasks.loss import Term
from ..tasks.segment.metric import Overlap

# name in an evaluation -> column
FIGURES = {
    "AP": "ap",
    "AP50": "ap50",
    "AP75": "ap75",
    "APs": "ap_small",
    "APm": "ap_medium",
    "APl": "ap_large",
    "top1": "top1",
    "top5": "top5",
    "mean_class_accuracy": "mean_class_accuracy",
    "F1": "f1",
    "macro_F1": "macro_f1",
    "precision": "precision",
    "recall": "recall",
    "mIoU": "miou",
    "pixel_accuracy": "pixel_accuracy",
}
_TERMS = get_args(Term)
_START = "run_id INTEGER, utc TEXT, iteration INTEGER, epoch INTEGER"
_CLASS_START = f"{_START}, mode TEXT, name TEXT"
_CLASS_KEY = "PRIMARY KEY (iteration, mode, name)"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS run (run_id INTEGER PRIMARY KEY, utc TEXT, first_iteration INTEGER, model TEXT,
    dataset TEXT, recipe TEXT, torch TEXT, num_threads INTEGER);
CREATE TABLE IF NOT EXISTS loss ({_START}, images INTEGER, avg_loss REAL, loss REAL,
    {", ".join(f"{term} REAL" for term in _TERMS)}, learning_rate REAL, batch_size INTEGER, images_per_second REAL,
    PRIMARY KEY (iteration));
CREATE TABLE IF NOT EXISTS eval ({_CLASS_START}, ap REAL, ap50 REAL, iou REAL, tp INTEGER, fn INTEGER, fp INTEGER,
    {_CLASS_KEY});
CREATE TABLE IF NOT EXISTS eval_class ({_CLASS_START}, top1 REAL, f1 REAL, images INTEGER, {_CLASS_KEY});
CREATE TABLE IF NOT EXISTS eval_seg ({_CLASS_START}, iou REAL, tp INTEGER, fn INTEGER, fp INTEGER, {_CLASS_KEY});
CREATE TABLE IF NOT EXISTS eval_summary ({_START}, mode TEXT, metric TEXT,
    {", ".join(f"{column} REAL" for column in FIGURES.values())}, images INTEGER, seconds REAL, best INTEGER,
    PRIMARY KEY (iteration, mode));
"""
_TABLES = ("loss", "eval", "eval_class", "eval_seg", "eval_summary")
LOG_VERSION = 4  # of the schema, in the file's user_version; raise it with every change
_SECONDS_BETWEEN_COMMITS = 5.0


class RunLog:
    """Rows are gathered and written together; `flush` before a checkpoint that must not be ahead of its log."""

    def __init__(
        self, path: Path, *, first_iteration: int, model: str, dataset: str, recipe: str, torch: str, num_threads: int
    ) -> None:
        self._path = path
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._last_commit = time.monotonic()
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._make_room(first_iteration)
            self._database.executescript(_SCHEMA)
            with self._database:
                for table in _TABLES:
                    self._database.execute(f"DELETE FROM {table} WHERE iteration > ?", (first_iteration,))  # noqa: S608
            cursor = self._database.execute(
                "INSERT INTO run (utc, first_iteration, model, dataset, recipe, torch, num_threads) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (_utc_now(), first_iteration, model, dataset, recipe, torch, num_threads),
            )
        except sqlite3.Error as error:
            raise CheckError(f"{path}: {error}") from None
        self._run_id = cursor.lastrowid

    def loss(
        self,
        iteration: int,
        epoch: int,
        *,
        images: int,
        average: float,
        loss: float,
        terms: Mapping[str, float],
        learning_rate: float,
        batch_size: int,
        images_per_second: float,
    ) -> None:
        """One step."""
        parts = (terms.get(term) for term in _TERMS)
        row = (images, average, loss, *parts, learning_rate, batch_size, images_per_second)
        self._add("loss", iteration, epoch, *row)
        if time.monotonic() - self._last_commit > _SECONDS_BETWEEN_COMMITS:
            self.flush()

    def evaluation(self, iteration: int, epoch: int, result: Evaluation, *, best: bool) -> None:
        """An evaluation on the `val` split."""
        metric, found = result.headline.metric, figures_of(result)
        table, class_rows = _CLASS_ROWS[metric]
        for row in class_rows(result):
            self._add(table, iteration, epoch, "val", *row)
        figures = (found.get(name) for name in FIGURES)
        self._add("eval_summary", iteration, epoch, "val", metric, *figures, result.num_images, result.seconds, best)

    def flush(self) -> None:
        """Write what was gathered, in one transaction."""
        gathered, self._rows = self._rows, {}
        self._last_commit = time.monotonic()
        try:
            self._database.execute("BEGIN")
            for table, rows in gathered.items():
                marks = ", ".join("?" * len(rows[0]))
                # A training killed between the rows of an evaluation and its checkpoint evaluates again.
                self._database.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)  # noqa: S608
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise CheckError(f"{self._path}: {error}") from None

    def close(self) -> None:
        """Write the rest."""
        try:
            self.flush()
        finally:
            self._database.close()

    def _make_room(self, first_iteration: int) -> None:
        """A new training takes the place of a log with other columns; a resumed one cannot go on with it."""
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        known = self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone()
        if known and version != LOG_VERSION:
            if first_iteration:
                raise CheckError(f"{self._path}: written by another version of edgewright; give another NAME=")
            for table in ("run", *_TABLES):
                self._database.execute(f"DROP TABLE IF EXISTS {table}")
        self._database.execute(f"PRAGMA user_version = {LOG_VERSION}")

    def _add(self, table: str, *values: Any) -> None:
        self._rows.setdefault(table, []).append((self._run_id, _utc_now(), *values))


def figures_of(result: Evaluation) -> dict[str, float | None]:
    """Over all classes, under the names the field uses."""
    return {name: value for name, value in result.as_json().items() if name in FIGURES}


def _detector_rows(result: Evaluation) -> Iterable[Sequence[Any]]:
    assert isinstance(result, DetectorEvaluation)
    classes = zip(result.metrics.classes, result.matches, strict=True)
    return [(each.name, each.ap, each.ap50, *matches.counts_from(DEFAULT_SCORE_THRESHOLD)) for each, matches in classes]


def _classifier_rows(result: Evaluation) -> Iterable[Sequence[Any]]:
    classes = result.as_json()["classes"]
    return [(name, found.get("top1"), found.get("F1"), found["images"]) for name, found in classes.items()]


def _segmenter_rows(result: Evaluation) -> Iterable[Sequence[Any]]:
    overlap = getattr(result, "metrics", None)
    assert isinstance(overlap, Overlap)
    right = overlap.intersection
    missed, wrong = overlap.confusion.sum(1) - right, overlap.confusion.sum(0) - right
    columns = zip(overlap.labels, overlap.iou, right.tolist(), missed.tolist(), wrong.tolist(), strict=True)
    return list(columns)


_CLASS_ROWS: dict[Metric, tuple[str, Callable[[Evaluation], Iterable[Sequence[Any]]]]] = {
    "AP50": ("eval", _detector_rows),
    "top1": ("eval_class", _classifier_rows),
    "F1": ("eval_class", _classifier_rows),
    "mIoU": ("eval_seg", _segmenter_rows),
}


def _utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
