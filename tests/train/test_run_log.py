"""log.sqlite: every row once, committed when asked, readable while it is written."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from edgewright_train.errors import CheckError
from edgewright_train.tasks.detect.evaluate import Evaluation
from edgewright_train.tasks.detect.metric import ClassAP, Metrics
from edgewright_train.tasks.detect.metric_voc import ClassMatches
from edgewright_train.training.run_log import RunLog

AWKWARD = 'robert"); DROP TABLE loss;--'
RESULT = Evaluation(
    Metrics(
        ap=0.25, ap50=0.5, ap75=0.2, ap_small=None, ap_medium=0.3, ap_large=0.4,
        classes=(ClassAP(name=AWKWARD, ap=0.25, ap50=0.5), ClassAP(name="unseen", ap=None, ap50=None)),
    ),
    num_images=7,
    seconds=1.5,
    matches=(
        ClassMatches(
            AWKWARD, 4, np.array([0.9, 0.5, 0.4, 0.1], np.float32), np.array([True, True, False, True]),
            np.array([0.75, 0.5, 0.25, 1.0]),
        ),
        ClassMatches("unseen", 0, np.zeros(0, np.float32), np.zeros(0, np.bool_), np.zeros(0)),
    ),
)  # fmt: skip


def open_log(path: Path, first_iteration: int = 0) -> RunLog:
    about = {"model": "m", "dataset": "d", "recipe": "r", "torch": "2"}
    return RunLog(path, first_iteration=first_iteration, num_threads=1, **about)


def add_steps(log: RunLog, first: int, last: int) -> None:
    for step in range(first, last + 1):
        log.loss(
            step, 1, images=step * 4, average=2.0, loss=1.5, terms={"box": 0.5, "classification": 1.0},
            learning_rate=1e-3, batch_size=4, images_per_second=30.0,
        )  # fmt: skip


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(path)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_rows_can_be_read_by_another_process_once_flushed(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = open_log(path)
    add_steps(log, 1, 3)
    log.flush()
    assert rows(path, "SELECT iteration, images, loss, batch_size FROM loss") == [(s, 4 * s, 1.5, 4) for s in (1, 2, 3)]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    log.close()


def test_an_evaluation_is_kept_by_class_and_in_sum_with_unknowns_as_null(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = open_log(path)
    log.evaluation(10, 2, RESULT, best=True)
    log.close()
    assert rows(path, "SELECT name, ap, ap50, iou, tp, fn, fp FROM eval") == [
        (AWKWARD, 0.25, 0.5, 0.625, 2, 2, 1), ("unseen", None, None, None, 0, 0, 0),
    ]  # fmt: skip
    summary = rows(path, "SELECT iteration, epoch, mode, ap, ap_small, images, seconds, best FROM eval_summary")
    assert summary == [(10, 2, "val", 0.25, None, 7, 1.5, 1)]


def test_a_resumed_run_takes_back_what_came_after_its_first_step(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = open_log(path)
    add_steps(log, 1, 6)
    log.evaluation(6, 1, RESULT, best=True)
    log.close()
    log = open_log(path, first_iteration=4)
    add_steps(log, 5, 5)
    log.close()
    assert rows(path, "SELECT run_id, iteration FROM loss ORDER BY iteration") == [
        (1, 1), (1, 2), (1, 3), (1, 4), (2, 5),
    ]  # fmt: skip
    assert rows(path, "SELECT * FROM eval") == rows(path, "SELECT * FROM eval_summary") == []
    assert rows(path, "SELECT run_id, first_iteration FROM run") == [(1, 0), (2, 4)]


def test_an_evaluation_that_is_made_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """A kill may come between the rows of an evaluation and the checkpoint that knows of it."""
    path = tmp_path / "log.sqlite"
    for _ in range(2):
        log = open_log(path, first_iteration=6)
        log.evaluation(6, 1, RESULT, best=True)
        log.close()
    assert rows(path, "SELECT run_id, iteration FROM eval_summary") == [(2, 6)]
    assert len(rows(path, "SELECT * FROM eval")) == 2


def test_times_are_utc_text(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    open_log(path).close()
    ((utc,),) = rows(path, "SELECT utc FROM run")
    assert str(utc).endswith("+00:00")


def test_a_file_that_is_no_database_is_an_error_naming_it(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_text("hello, this is not a database at all, but text that is long enough to be looked at" * 20)
    with pytest.raises(CheckError, match=r"log\.sqlite: file is not a database"):
        open_log(path)
