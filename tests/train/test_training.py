"""A training from its command to its files, and everything that may go wrong on the way."""

import sqlite3
from pathlib import Path

import pytest
from training_runs import run_folder, train, write_recipe

from edgewright_train.__main__ import main
from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.data.shapes.outline import LABELS
from edgewright_train.training.recipe import load_recipe
from edgewright_train.training.state import read_state


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of runs, with one that went through."""
    folder = tmp_path_factory.mktemp("runs")
    assert train(folder, write_recipe(folder, evaluate_every=1)) == 0
    return folder


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(run_folder(folder).log)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_the_best_checkpoint_can_be_used_and_says_where_it_comes_from(finished: Path) -> None:
    checkpoint = load_checkpoint(run_folder(finished).best)
    assert checkpoint.header.labels == LABELS
    assert (checkpoint.header.width, checkpoint.header.height) == (64, 64)
    assert checkpoint.header.origin.startswith("run run, step ")


def test_the_resolved_recipe_is_kept(finished: Path) -> None:
    assert load_recipe(run_folder(finished).config) == load_recipe(finished / "tiny.toml")


def test_the_log_has_every_step_and_every_evaluation(finished: Path) -> None:
    steps = rows(finished, "SELECT iteration, epoch, images, batch_size FROM loss ORDER BY iteration")
    assert steps == [(step, (step - 1) // 4 + 1, 4 * step, 4) for step in range(1, 9)]
    terms = rows(finished, "SELECT loss, box + objectness + classification FROM loss")
    assert all(total == pytest.approx(parts, rel=1e-5) for total, parts in terms)
    evaluations = rows(finished, "SELECT iteration, epoch, mode, images FROM eval_summary")
    assert evaluations == [(4, 1, "val", 4), (8, 2, "val", 4)]
    assert {name for (name,) in rows(finished, "SELECT DISTINCT name FROM eval")} == set(LABELS)
    assert rows(finished, "SELECT run_id, first_iteration FROM run") == [(1, 0)]


def test_the_state_stands_at_the_last_step(finished: Path) -> None:
    status, _ = read_state(run_folder(finished).state)
    assert status.step == status.evaluated_step == 8
    assert status.best_step in (4, 8)


def test_the_same_recipe_gives_the_same_bits(finished: Path, tmp_path: Path) -> None:
    recipe = load_recipe(finished / "tiny.toml")
    path = write_recipe(tmp_path, evaluate_every=1, data=recipe.data, workers=3, cache_megabytes=0)
    assert train(tmp_path, path) == 0
    assert run_folder(tmp_path).state.read_bytes() == run_folder(finished).state.read_bytes()
    assert run_folder(tmp_path).best.read_bytes() == run_folder(finished).best.read_bytes()


def test_an_existing_training_is_not_overwritten_unless_told_to(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run_folder(finished).state.read_bytes()
    assert train(finished, finished / "tiny.toml") == 2
    assert "RESUME=1 continues it" in capsys.readouterr().err
    assert run_folder(finished).state.read_bytes() == before
    recipe = write_recipe(tmp_path, epochs=1)
    assert train(tmp_path, recipe) == 0
    assert train(tmp_path, recipe, "--replace") == 0
    assert len(rows(tmp_path, "SELECT * FROM loss")) == 4


def test_two_trainings_cannot_write_to_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path)
    with run_folder(tmp_path).locked():
        assert train(tmp_path, recipe) == 2
    assert "another training" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_last_good_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = {"optimizer__learning_rate": 1e12, "optimizer__max_gradient_norm": 0.0, "schedule__warmup_epochs": 0.0}
    recipe = write_recipe(tmp_path, epochs=50, **wild)
    assert train(tmp_path, recipe) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    status, tensors = read_state(run_folder(tmp_path).state)
    assert f"step {status.step + 1} (epoch 1)" in error
    assert f"last good checkpoint: {run_folder(tmp_path).state}" in error
    assert all(tensor.isfinite().all() for name, tensor in tensors.items() if name.startswith("momentum."))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model=yolo-v99"], "unknown model; choose from: yolo-fastestv2"),
        (["--size=100x64"], "multiples of 32"),
        (["--batch=17"], "has only 16 images"),
        (["--batch=0"], "batch_size"),
        (["--epochs=0"], "epochs"),
        (["--data=nowhere"], "nowhere: no such file or folder"),
        (["--weights=nowhere.safetensors"], "nowhere.safetensors: no such file"),
        (["--name=../elsewhere"], "NAME=../elsewhere: must be a plain folder name"),
        (["--resume"], "there is no run"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert train(tmp_path, write_recipe(tmp_path), *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_options_left_empty_are_not_given(tmp_path: Path) -> None:
    empty = ["--model=", "--data=", "--epochs=", "--batch=", "--size=", "--weights=", "--resume="]
    assert train(tmp_path, write_recipe(tmp_path, epochs=1), *empty) == 0


def test_neither_model_nor_recipe_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "MODEL= or RECIPE= is needed" in capsys.readouterr().err
