"""log.sqlite of a run: what happened at every step and every evaluation.

Column names are those of LightNet's log where it has them.  Every table has `run_id` (one number for each start of a
training; 1 is the first) and `utc` (ISO 8601 text).  A resumed training continues the rows of its predecessor: those
beyond the step it resumes from are deleted, so that (iteration) is unique in `loss`.

    run           run_id, utc, first_iteration, model, dataset, recipe (TOML), torch (version), num_threads
    loss          run_id, utc, iteration (steps done, from 1), epoch (from 1), images (samples seen so far),
                  avg_loss (0.9 * old + 0.1 * new), loss, box, objectness, classification (its weighted terms),
                  learning_rate, batch_size, images_per_second
    eval          per class and evaluation: run_id, utc, iteration, epoch, mode ("val"), name (class), ap, ap50
    eval_summary  per evaluation: run_id, utc, iteration, epoch, mode, ap, ap50, ap75, ap_small, ap_medium, ap_large,
                  images, seconds, best (1: became best.safetensors)

An AP is NULL where the data set holds no such object.
"""

import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .errors import CheckError
from .tasks.detect.evaluate import Evaluation

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (run_id INTEGER PRIMARY KEY, utc TEXT, first_iteration INTEGER, model TEXT,
    dataset TEXT, recipe TEXT, torch TEXT, num_threads INTEGER);
CREATE TABLE IF NOT EXISTS loss (run_id INTEGER, utc TEXT, iteration INTEGER PRIMARY KEY, epoch INTEGER,
    images INTEGER, avg_loss REAL, loss REAL, box REAL, objectness REAL, classification REAL, learning_rate REAL,
    batch_size INTEGER, images_per_second REAL);
CREATE TABLE IF NOT EXISTS eval (run_id INTEGER, utc TEXT, iteration INTEGER, epoch INTEGER, mode TEXT, name TEXT,
    ap REAL, ap50 REAL, PRIMARY KEY (iteration, mode, name));
CREATE TABLE IF NOT EXISTS eval_summary (run_id INTEGER, utc TEXT, iteration INTEGER, epoch INTEGER, mode TEXT,
    ap REAL, ap50 REAL, ap75 REAL, ap_small REAL, ap_medium REAL, ap_large REAL, images INTEGER, seconds REAL,
    best INTEGER, PRIMARY KEY (iteration, mode));
"""
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
            self._database.executescript(_SCHEMA)
            with self._database:
                for table in ("loss", "eval", "eval_summary"):
                    self._database.execute(f"DELETE FROM {table} WHERE iteration > ?", (first_iteration,))  # noqa: S608
            cursor = self._database.execute(
                "INSERT INTO run (utc, first_iteration, model, dataset, recipe, torch, num_threads) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (_utc_now(), first_iteration, model, dataset, recipe, torch, num_threads),
            )
        except sqlite3.Error as error:
            raise CheckError(f"{path}: {error}") from None
        self._run_id = cursor.lastrowid

    def loss(self, iteration: int, epoch: int, *measures: float) -> None:
        """`measures`: the columns of `loss` from `images` on."""
        self._add("loss", iteration, epoch, *measures)
        if time.monotonic() - self._last_commit > _SECONDS_BETWEEN_COMMITS:
            self.flush()

    def evaluation(self, iteration: int, epoch: int, result: Evaluation, *, best: bool) -> None:
        """An evaluation on the `val` split."""
        m = result.metrics
        for measured in m.classes:
            self._add("eval", iteration, epoch, "val", measured.name, measured.ap, measured.ap50)
        averages = (m.ap, m.ap50, m.ap75, m.ap_small, m.ap_medium, m.ap_large)
        self._add("eval_summary", iteration, epoch, "val", *averages, result.num_images, result.seconds, best)

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

    def _add(self, table: str, *values: Any) -> None:
        self._rows.setdefault(table, []).append((self._run_id, _utc_now(), *values))


def _utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
