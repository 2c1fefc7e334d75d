"""Every kind of head learns: a few images by heart, from the command to a checkpoint that can be used."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from training_runs import run_folder, train, write_cfg, write_recipe

from edgewright_train.__main__ import main
from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.commands.generate_data import main as write_data
from edgewright_train.data.shapes.outline import LABELS
from edgewright_train.inference import decode_of
from edgewright_train.tasks.classify.decode import ClassifyDecode
from edgewright_train.training.state import read_state

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


def test_images_that_show_several_classes_are_learnt_class_by_class(tmp_path: Path) -> None:
    """Boxes on disk also say which classes an image shows."""
    folder = tmp_path / "boxes"
    assert write_data([f"--out={folder}", "--count=8"]) == 0
    path = write_recipe(
        tmp_path, "classify-shapes", model="shufflenetv2-0.1", size_wh=(32, 32), epochs=1, data=str(folder)
    )
    assert train(tmp_path, path) == 0
    header = load_checkpoint(run_folder(tmp_path).best).header
    assert header.multi_label
    decode = decode_of(header)
    assert isinstance(decode, ClassifyDecode)
    assert decode.activation == "sigmoid"
    assert rows(tmp_path, "SELECT metric, top1 FROM eval_summary") == [("F1", None)]


def test_a_batch_too_small_to_learn_from_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_recipe(tmp_path, "classify-shapes", model="shufflenetv2-0.1", size_wh=(32, 32), batch_size=1)
    assert train(tmp_path, path) == 2
    assert "BATCH=1: at SIZE=32x32 batch norm sees one value per channel" in capsys.readouterr().err.splitlines()[-1]


def test_a_cfg_of_other_classes_than_the_data_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = write_cfg(tmp_path)
    cfg.write_text(cfg.read_text().replace("classes=6", "classes=4").replace("filters=22", "filters=18"))
    assert train(tmp_path, write_recipe(tmp_path, "yolo-shapes", cfg=str(cfg))) == 2
    assert capsys.readouterr().err.endswith("tiny.cfg: has 4 classes, not 6; change the cfg\n")


def test_a_cfg_that_changed_meanwhile_is_not_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = write_cfg(tmp_path)
    assert train(tmp_path, write_recipe(tmp_path, "yolo-shapes", cfg=str(cfg), epochs=1)) == 0
    cfg.write_text(cfg.read_text().replace("anchors=14", "anchors=15"))
    assert train(tmp_path, tmp_path / "tiny.toml", "--resume") == 2
    assert "tiny.cfg is not the network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=espnetv2-0.5"], "MODEL=espnetv2-0.5: give TASK=, one of: classify, segment, detect"),
        (["--model=espnetv2-0.5", "--cfg=x.cfg"], "give one of MODEL= and CFG="),
        (["--cfg=nowhere.cfg"], "nowhere.cfg: No such file"),
        (["--model=shufflenetv2-0.1", "--task=segment"], "TASK=segment: shufflenetv2-0.1 does not do that"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, f"--runs={tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_data_without_masks_are_no_data_for_a_segmenter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "boxes"
    assert write_data([f"--out={folder}", "--count=8"]) == 0
    assert main(["--model=dicenet-0.2", "--task=segment", f"--data={folder}", f"--runs={tmp_path}"]) == 2
    assert "the task segment needs masks" in capsys.readouterr().err
