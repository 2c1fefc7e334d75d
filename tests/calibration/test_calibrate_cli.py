"""`make calibrate`: one file, the same bytes for the same inputs on any number of threads, and clear refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_detector_cfg import small_detector_cfg
from torch import nn

from edgewright_calibration.calibrate_cli import main
from edgewright_calibration.calibration import Calibration, calibrate, read_calibration
from edgewright_calibration.images import calibration_images
from edgewright_calibration.methods import METHODS
from edgewright_export.capture import capture, runnable
from edgewright_export.pack import digest_file
from edgewright_train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edgewright_train.new_network import settled, untrained_cfg

CFG = small_detector_cfg(num_classes=2)


def save(path: Path, checkpoint: Checkpoint) -> Path:
    save_checkpoint(path, checkpoint.network.state_dict(), checkpoint.header)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    torch.manual_seed(0)
    cfg = tmp_path_factory.mktemp("cfg") / "small.cfg"
    cfg.write_text(CFG)
    return settled(untrained_cfg(cfg))


@pytest.fixture(scope="module")
def weights(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("runs") / "best model.safetensors", checkpoint)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos of mine")
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 60, 3), np.uint8)
        (folder / f"{index}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return folder


def run(weights: Path, photos: Path, out: Path, *more: str) -> int:
    return main([f"--weights={weights}", f"--data={photos}", f"--out={out}", "--calibration=10", *more])


def test_writes_everything_needed_to_repeat_it(
    weights: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(weights, photos, tmp_path) == 0
    found = read_calibration(tmp_path / "small" / "calibration.json")
    assert found.checkpoint_sha256 == digest_file(weights)
    assert (found.preprocess.width, found.preprocess.height) == (64, 32)
    assert len(found.images) == 10
    assert found.dataset.name == photos.name
    assert tuple(found.ranges) == tuple(METHODS)
    seen = [cv2.resize(cv2.imread(str(photos / image.name)), (64, 32)) for image in found.images]
    assert found.ranges["min_max"]["image"].high == pytest.approx(np.max(seen) / 255)
    text = capsys.readouterr().out
    assert f"{len(found.ranges['min_max'])} tensors on 10 images of {photos.name}" in text
    assert "next: make export WEIGHTS='" in text


def test_the_same_inputs_give_the_same_bytes_on_any_number_of_threads(
    weights: Path, photos: Path, tmp_path: Path
) -> None:
    assert run(weights, photos, tmp_path / "one") == 0
    command = [sys.executable, "-m", "edgewright_calibration.calibrate_cli", f"--weights={weights}", f"--data={photos}"]
    subprocess.run(
        [*command, f"--out={tmp_path / 'two'}", "--calibration=10"],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
    )
    one, two = (tmp_path / name / "small" / "calibration.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_another_seed_is_another_calibration(weights: Path, photos: Path, tmp_path: Path) -> None:
    assert run(weights, photos, tmp_path / "0") == run(weights, photos, tmp_path / "1", "--seed=1") == 0
    zero, one = (read_calibration(tmp_path / seed / "small" / "calibration.json") for seed in ("0", "1"))
    assert zero.digest != one.digest
    assert {image.name for image in zero.images} != {image.name for image in one.images}


def test_the_summary_as_json(weights: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(weights, photos, tmp_path, "--json=-", "--size=32x64") == 0
    record = json.loads(capsys.readouterr().out)
    found = read_calibration(Path(record["path"]))
    assert (found.preprocess.width, found.preprocess.height) == (32, 64)
    assert record["sha256"] == found.digest == digest_file(Path(record["path"]))
    assert record["num_nodes"] == len(found.ranges["kl"])
    assert list(record["clipped"]) == list(METHODS)
    assert record["clipped"]["min_max"] == 0 < record["clipped"]["aciq"]


def test_a_graph_that_is_at_hand_is_not_captured_again(checkpoint: Checkpoint, weights: Path, photos: Path) -> None:
    header = checkpoint.header
    loaded = load_checkpoint(weights)
    graph_module = runnable(capture(header.architecture.deploy(loaded.network), header.width, header.height))
    images = calibration_images(str(photos), "val", "detect", count=8)

    def found(**given: object) -> Calibration:
        return calibrate(loaded, "0" * 64, images, **given)  # type: ignore[arg-type]

    assert found(graph_module=graph_module) == found()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--calibration=3"], "CALIBRATION=3: must be"),
        (["--seed=-1"], "SEED=-1: must be"),
        (["--size=0x0"], "SIZE=0x0"),
        (["--data=/nowhere"], "DATA=/nowhere: no such file"),
        (["--weights=/nowhere"], "/nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(
    weights: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], expected: str
) -> None:
    assert run(weights, photos, tmp_path / "out", *more) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("edgewright-calibrate: error: ")
    assert expected in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


def test_a_network_that_overflows_is_refused_by_node_and_nothing_is_written(
    checkpoint: Checkpoint, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = {name: tensor.clone() for name, tensor in checkpoint.network.state_dict().items()}
    for name, module in checkpoint.network.named_modules():
        if isinstance(module, nn.Conv2d):
            tensors[f"{name}.weight"] *= 1e30
    save_checkpoint(tmp_path / "huge.safetensors", tensors, checkpoint.header)
    assert run(tmp_path / "huge.safetensors", photos, tmp_path / "out") == 1
    assert "is not finite on calibration image" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
