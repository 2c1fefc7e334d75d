"""Training curves are what the log says, however long or odd it is."""

import math
import sqlite3
from pathlib import Path

import numpy as np
from report_matter import write_run

from edgewright_edge.report.runs import read_runs
from edgewright_train.tasks.evaluation import Measured
from edgewright_train.tasks.segment.metric import Overlap


def test_a_long_training_becomes_curves_of_few_points(tmp_path: Path) -> None:
    write_run(tmp_path / "long", steps=5000, evaluations=5)
    (run,) = read_runs(tmp_path)
    loss, rate, accuracy = run.charts
    assert [curve.name for curve in loss.curves] == ["total", "box", "objectness", "class"]
    assert [curve.name for curve in rate.curves] == ["learning rate"]
    assert [curve.name for curve in accuracy.curves] == ["AP50", "AP"]
    assert all(200 <= curve.path.count("L") + 1 <= 240 for curve in (*loss.curves, *rate.curves))
    assert all(len(curve.dots) == 5 for curve in accuracy.curves)
    assert accuracy.description == "Last evaluation: AP50 0.6000, AP 0.3000."
    assert dict(run.facts)["best AP50"] == "0.6000 at iteration 5000"
    assert dict(run.facts)["length"] == "5000 iterations to epoch 1, 80000 images"


def test_a_training_that_still_writes_can_be_read(tmp_path: Path) -> None:
    log = write_run(tmp_path / "busy", steps=20)
    with sqlite3.connect(log, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM loss")
        (run,) = read_runs(tmp_path)
        writer.execute("ROLLBACK")
    assert run.problem == ""
    assert dict(run.facts)["length"].startswith("20 iterations")


def test_values_that_are_no_numbers_leave_a_gap(tmp_path: Path) -> None:
    log = write_run(tmp_path / "odd", steps=9, evaluations=3)
    with sqlite3.connect(log) as writer:
        writer.execute("UPDATE eval_summary SET ap50 = 'high' WHERE iteration = 3")
        writer.execute("UPDATE eval_summary SET ap50 = ? WHERE iteration = 6", (math.inf,))
        writer.execute("UPDATE eval_summary SET ap = NULL")
        writer.execute("UPDATE loss SET box = NULL")
    (run,) = read_runs(tmp_path)
    loss, _, accuracy = run.charts
    assert [(curve.name, len(curve.dots)) for curve in accuracy.curves] == [("AP50", 1)]
    assert [curve.name for curve in loss.curves] == ["total", "objectness", "class"]


def test_a_segmenter_has_the_curves_of_its_task(tmp_path: Path) -> None:
    overlap = Overlap(("ground", "thing"), np.array([(6, 2), (1, 3)]))
    terms = {"classification": 2.0, "dice": 1.0}
    write_run(tmp_path / "map", steps=4, terms=terms, result=lambda _: Measured(overlap, num_images=2, seconds=1.0))
    (run,) = read_runs(tmp_path)
    loss, _, accuracy = run.charts
    assert [curve.name for curve in loss.curves] == ["total", "class", "dice"]
    assert [curve.name for curve in accuracy.curves] == ["mIoU", "pixel accuracy"]
    assert dict(run.facts)["best mIoU"] == "0.5833 at iteration 4"


def test_a_training_without_a_step_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "young", steps=0, evaluations=0)
    (run,) = read_runs(tmp_path)
    assert run.problem == "Its training has not logged a step yet."


def test_folders_that_are_no_runs_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").touch()
    assert read_runs(tmp_path) == []
    assert read_runs(tmp_path / "nowhere") == []
