"""Two processes train what one does: the same losses, gradients and figures; and a lost process loses nothing."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from training_runs import TINY_CFG, run_folder, saved_step, start, train, write_cfg, write_recipe

_GRADIENTS = Path(__file__).with_name("gradients_in_processes.py")


@pytest.fixture(scope="module")
def gradients() -> dict[str, tuple[float, float, float]]:
    cfg = TINY_CFG.replace("filters=22", "filters=16").replace("classes=6", "classes=3")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", str(_GRADIENTS), cfg]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, tuple[float, float, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", ["yolo-fastestv2", "yolo", "ssd", "classify", "multi_label", "segment"])
def test_two_halves_of_a_batch_have_the_loss_and_gradients_of_the_whole(gradients: Any, kind: str) -> None:
    alone, together, difference = gradients[kind]
    assert together == pytest.approx(alone, rel=1e-12)
    assert difference < 1e-7


def losses(folder: Path, name: str) -> list[float]:
    with sqlite3.connect(run_folder(folder, name).log) as log:
        return [loss for (loss,) in log.execute("SELECT loss FROM loss ORDER BY iteration")]


def figures(folder: Path, name: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(run_folder(folder, name).log) as log:
        return log.execute(
            "SELECT iteration, ap, ap50, top1, miou, images FROM eval_summary ORDER BY iteration"
        ).fetchall()


def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "yolo-shapes", cfg=str(write_cfg(tmp_path)), model="", batch_size=8, epochs=6,
                          optimizer__learning_rate=0.0005)  # fmt: skip
    assert start(tmp_path, recipe, name="one").wait() == 0
    assert start(tmp_path, recipe, "--nproc=2", name="two").wait() == 0
    one, two = losses(tmp_path, "one"), losses(tmp_path, "two")
    assert len(one) == 12
    assert one[-1] < 0.99 * one[0]
    assert two == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        ("yolo-fastestv2-shapes", {}),
        pytest.param("classify-shapes", {"model": "shufflenetv2-0.5"}, marks=pytest.mark.slow),
        pytest.param("segment-shapes", {"model": "dicenet-0.2"}, marks=pytest.mark.slow),
    ],
)
def test_an_evaluation_by_two_processes_counts_every_image_once(base: str, changes: Any, tmp_path: Path) -> None:
    """Of five, which two processes cannot share evenly; the rate is next to nothing, so the weights are equal."""
    recipe = write_recipe(tmp_path, base, epochs=1, optimizer__learning_rate=1e-12, **changes)
    (tmp_path / "data.toml").write_text((tmp_path / "data.toml").read_text().replace("val = 4", "val = 5"))
    assert start(tmp_path, recipe, name="one").wait() == 0
    assert start(tmp_path, recipe, "--nproc=2", name="two").wait() == 0
    (one,), (two,) = figures(tmp_path, "one"), figures(tmp_path, "two")
    assert one[-1] == two[-1] == 5
    assert two[1:5] == pytest.approx(one[1:5], abs=1e-6)


def workers_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    named = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in children}
    return [pid for pid, words in named.items() if b"edgewright_train" in words]


@pytest.mark.parametrize("rank", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_killed_process_is_started_again_from_the_last_checkpoint(tmp_path: Path, rank: int) -> None:
    recipe = write_recipe(tmp_path, evaluate_every=1, epochs=3)
    assert start(tmp_path, recipe, "--nproc=2", name="whole").wait() == 0
    process = start(tmp_path, recipe, "--nproc=2")
    state = run_folder(tmp_path).state
    while process.poll() is None and saved_step(tmp_path) < 3:
        time.sleep(0.02)
    os.kill(workers_of(process.pid)[rank], signal.SIGKILL)
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert "continuing after step" in error
    assert state.read_bytes() == run_folder(tmp_path, "whole").state.read_bytes()


def test_ctrl_c_stops_all_processes_saved(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, epochs=50, evaluate_every=50)
    process = start(tmp_path, recipe, "--nproc=2", start_new_session=True)
    while process.poll() is None and saved_step(tmp_path) < 2:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert "continue with RESUME=1" in error
    assert 2 <= saved_step(tmp_path) < 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--nproc=3",), "BATCH=4: must be a multiple of 3, 3 processes times accumulate = 1"),
        (("--nproc=0",), "NPROC=0: must be 1 to 1024"),
        (("--nnodes=2",), "NNODES: MASTER= is needed"),
        (("--nproc=2", "--master=here:port"), "MASTER=here:port: give host:port"),
        (("--nproc=2", "--restarts=-1"), "RESTARTS=-1: must be 0 or more"),
        (("--nproc=2", "--data=nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_cannot_start_says_so_once(
    tmp_path: Path, options: tuple[str, ...], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before there are several processes, each of which would say it."""
    assert train(tmp_path, write_recipe(tmp_path), *options) == 2
    error = capfd.readouterr().err
    assert error.count(message) == 1, error
    assert len(error.splitlines()) == 1
