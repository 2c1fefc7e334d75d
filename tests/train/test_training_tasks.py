"""Every kind of head learns: a few images by heart, from the command to a checkpoint that can be used."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from training_runs import run_folder, train, write_cfg, write_recipe

from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.data.shapes_outline import LABELS
from edgewright_train.training_state import read_state

# name -> recipe, its changes, terms of the loss, by how much it must fall, figure that is compared, table of classes
KINDS: dict[str, tuple[str, dict[str, Any], set[str], float, str, str]] = {
    "classify": ("classify-shapes", {"model": "shufflenetv2-0.1"}, {"classification"}, 10, "top1", "eval_class"),
    "segment": (
        "segment-shapes", {"model": "dicenet-0.2", "optimizer__learning_rate": 0.1, "loss__dice": 0.5},
        {"classification", "dice"}, 2.5, "mIoU", "eval_seg",
    ),
    "ssd": (
        "ssd-shapes", {"model": "espnetv2-0.5", "optimizer__learning_rate": 0.03},
        {"box", "classification"}, 2.5, "AP50", "eval",
    ),
    "yolo": (
        "yolo-shapes", {"optimizer__learning_rate": 0.02},
        {"box", "objectness", "classification"}, 10, "AP50", "eval",
    ),
}  # fmt: skip
TERMS = ("box", "objectness", "classification", "dice")
STEPS = 24


@pytest.fixture(scope="module", params=KINDS)
def learnt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    base, changes, *_ = KINDS[kind]
    if kind == "yolo":
        changes = {**changes, "cfg": str(write_cfg(folder))}
    path = write_recipe(
        folder, base, epochs=STEPS, evaluate_every=STEPS, save_every=1000, schedule__warmup_epochs=0.0,
        augmentation__flip=0.0, augmentation__zoom=(1.0, 1.0), augmentation__brightness=0.0, **changes,
    )  # fmt: skip
    (folder / "data.toml").write_text('format = "shapes"\nwidth = 64\nheight = 64\ntrain = 4\nval = 2\n')
    assert train(folder, path) == 0
    return kind, folder


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(run_folder(folder).log)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_the_loss_falls_by_a_large_factor(learnt: tuple[str, Path]) -> None:
    kind, folder = learnt
    losses = [loss for (loss,) in rows(folder, "SELECT loss FROM loss ORDER BY iteration")]
    assert len(losses) == STEPS
    assert losses[0] > KINDS[kind][3] * losses[-1] > 0


def test_the_log_names_the_terms_of_the_loss_and_they_add_up(learnt: tuple[str, Path]) -> None:
    kind, folder = learnt
    for loss, *terms in rows(folder, f"SELECT loss, {', '.join(TERMS)} FROM loss"):
        known = {name: term for name, term in zip(TERMS, terms, strict=True) if term is not None}
        assert set(known) == KINDS[kind][2]
        assert sum(known.values()) == pytest.approx(loss, rel=1e-5)


def test_the_evaluation_is_by_the_figure_of_the_task(learnt: tuple[str, Path]) -> None:
    kind, folder = learnt
    metric, table = KINDS[kind][4:]
    column = {"mIoU": "miou"}.get(metric, metric.lower())
    ((logged, value, best),) = rows(folder, f"SELECT metric, {column}, best FROM eval_summary")
    status, _ = read_state(run_folder(folder).state)
    assert (logged, best, status.metric) == (metric, 1, metric)
    assert status.best_value == (value or 0.0)
    assert {name for (name,) in rows(folder, f"SELECT name FROM {table}")} >= set(LABELS)


def test_the_best_checkpoint_can_be_used(learnt: tuple[str, Path]) -> None:
    header = load_checkpoint(run_folder(learnt[1]).best).header
    assert set(header.labels) >= set(LABELS)
    assert header.origin.startswith("run run, step 24, ")
    assert header.darknet is None or header.darknet.seen == 4 * STEPS
