"""A training that was stopped goes on as if nothing had happened: the same bits at the end."""

import random
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from training_runs import run_folder, saved_step, start, train, write_recipe

MANY_SIZES = {"augmentation__multi_scale": (0.5, 1.5), "augmentation__noise": 0.05, "augmentation__erase": 0.5}
MOSAIC = {"augmentation__mosaic": 0.5, "augmentation__mosaic_off_epochs": 1, "augmentation__rotate": 10.0}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was never stopped, and its recipe."""
    folder = tmp_path_factory.mktemp("reference")
    process = start(folder, write_recipe(folder, evaluate_every=1))
    assert process.wait() == 0
    return folder


def stop_at(folder: Path, recipe: Path, step: int, number: signal.Signals, *, delay: float = 0.0) -> str:
    """Start, send the signal some time after `step` was saved, and return what was said."""
    process = start(folder, recipe)
    while process.poll() is None and saved_step(folder) < step:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(number)
    return process.communicate()[1]


def assert_resumes_to(reference: Path, folder: Path, recipe: Path) -> None:
    process = start(folder, recipe, "--resume=1")
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert run_folder(folder).state.read_bytes() == run_folder(reference).state.read_bytes()
    assert run_folder(folder).best.read_bytes() == run_folder(reference).best.read_bytes()
    assert not list(run_folder(folder).path.rglob("*.part"))


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_training_resumes_to_the_same_bits(reference: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    recipe = write_recipe(tmp_path, evaluate_every=1, data=str(reference / "data.toml"))
    stop_at(tmp_path, recipe, chance.randint(1, 7), signal.SIGKILL, delay=chance.uniform(0, 0.3))
    assert_resumes_to(reference, tmp_path, recipe)


@pytest.mark.slow
def test_on_several_threads_too(tmp_path: Path) -> None:
    reference, recipe = tmp_path / "reference", write_recipe(tmp_path, evaluate_every=1, threads=2)
    assert start(reference, recipe).wait() == 0
    stop_at(tmp_path, recipe, 3, signal.SIGKILL)
    assert_resumes_to(reference, tmp_path, recipe)


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        ("classify-shapes", {"model": "espnetv2-0.5", "size_wh": (32, 32), **MANY_SIZES}),
        ("segment-shapes", {"model": "dicenet-0.2", "loss__dice": 0.5, **MANY_SIZES, **MOSAIC}),
        ("yolo-fastestv2-shapes", {**MANY_SIZES, **MOSAIC}),
    ],
    ids=["classify", "segment", "detect"],
)
def test_so_do_all_tasks_at_several_sizes_and_with_all_augmentation(
    base: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path, base, evaluate_every=1, **changes)
    stop_at(tmp_path, recipe, 3, signal.SIGKILL)
    assert train(tmp_path, recipe, "--resume") == 0
    assert train(tmp_path / "whole", recipe) == 0
    resumed, whole = run_folder(tmp_path), run_folder(tmp_path / "whole")
    assert resumed.state.read_bytes() == whole.state.read_bytes()
    assert resumed.best.read_bytes() == whole.best.read_bytes()


def test_ctrl_c_saves_and_says_how_to_go_on(reference: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, evaluate_every=1, save_every=1, data=str(reference / "data.toml"))
    said = stop_at(tmp_path, recipe, 2, signal.SIGINT)
    step = saved_step(tmp_path)
    assert f"saved at step {step}; continue with RESUME=1" in said
    assert_resumes_to(reference, tmp_path, recipe)


def test_a_full_disk_keeps_the_last_good_checkpoint(reference: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the same write fails, at the same place."""
    recipe = write_recipe(tmp_path, evaluate_every=1, data=str(reference / "data.toml"))
    stop_at(tmp_path, recipe, 1, signal.SIGKILL)
    last_good = run_folder(tmp_path).state.read_bytes()
    limit = 1 << 20  # a state has three megabytes
    process = start(
        tmp_path, recipe, "--resume", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    _, error = process.communicate()
    assert process.returncode == 2
    assert "File too large" in error.splitlines()[-1]
    assert run_folder(tmp_path).state.read_bytes() == last_good
    assert_resumes_to(reference, tmp_path, recipe)


def test_a_finished_training_has_nothing_left_to_do(reference: Path) -> None:
    before = run_folder(reference).state.read_bytes()
    process = start(reference, reference / "tiny.toml", "--resume")
    assert process.wait() == 0
    assert run_folder(reference).state.read_bytes() == before


def test_another_recipe_is_refused_naming_the_difference(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(reference, reference / "tiny.toml", "--resume", "--epochs=3") == 2
    assert "epochs was 2, now 3; give another NAME=" in capsys.readouterr().err
    other = write_recipe(tmp_path, evaluate_every=1, data=str(reference / "data.toml"), optimizer__momentum=0.5)
    assert train(reference, other, "--resume") == 2
    assert "optimizer.momentum was 0.9, now 0.5" in capsys.readouterr().err


def test_other_data_under_the_same_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, epochs=1)
    assert train(tmp_path, recipe) == 0
    (tmp_path / "data.toml").write_text((tmp_path / "data.toml").read_text() + "seed = 7\n")
    assert train(tmp_path, recipe, "--resume") == 2
    assert "is not the data" in capsys.readouterr().err


def test_a_damaged_state_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, epochs=1)
    assert train(tmp_path, recipe) == 0
    state = run_folder(tmp_path).state
    state.write_bytes(state.read_bytes()[:-100])
    assert train(tmp_path, recipe, "--resume") == 2
    assert "not a whole safetensors file" in capsys.readouterr().err
