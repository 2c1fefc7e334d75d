"""`make import CFG=` and `make darknet`: a darknet network comes in, and goes back as it was."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.shared_material import SHARED, needs_shared

from edgewright_train.checkpoint import load_checkpoint, read_tensors, save_checkpoint
from edgewright_train.commands.import_weights import main as import_main
from edgewright_train.commands.write_darknet import main as darknet_main
from edgewright_train.inference import decode_of, preprocess_of, torch_run
from edgewright_train.tasks.detect.yolo import YoloDecode

CFG = """# a comment to be kept
[net]
width=64
height=32
channels=3

[convolutional]
batch_normalize=1
filters=6
size=3
stride=16
pad=1
activation=leaky

[convolutional]
filters=14
size=1
activation=linear

[yolo]
mask = 1,2
anchors = 4,4, 10,14, 23,27
classes=2
num=3
scale_x_y=1.05
"""
NUM_FLOATS = 6 * 4 + 6 * 27 + 14 + 14 * 6


@pytest.fixture
def darknet(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "small.cfg").write_bytes(CFG.replace("\n", "\r\n").encode())
    values = np.random.default_rng(0).uniform(0.5, 1.5, NUM_FLOATS).astype("<f4")
    (tmp_path / "small.weights").write_bytes(struct.pack("<iiiQ", 0, 2, 5, 12345) + values.tobytes())
    return tmp_path / "small.cfg", tmp_path / "small.weights"


def _import(darknet: tuple[Path, Path], out: Path, *more: str) -> int:
    return import_main([f"--cfg={darknet[0]}", f"--weights={darknet[1]}", f"--out={out}", *more])


def test_what_was_imported_comes_back_byte_by_byte(darknet: tuple[Path, Path], tmp_path: Path) -> None:
    assert _import(darknet, tmp_path / "in.safetensors") == 0
    assert darknet_main([f"--weights={tmp_path / 'in.safetensors'}", f"--out={tmp_path / 'back'}"]) == 0
    assert (tmp_path / "back/small.cfg").read_bytes() == darknet[0].read_bytes()
    assert (tmp_path / "back/small.weights").read_bytes() == darknet[1].read_bytes()


def test_trained_weights_go_back_too(darknet: tuple[Path, Path], tmp_path: Path) -> None:
    _import(darknet, tmp_path / "in.safetensors")
    header, tensors = read_tensors(tmp_path / "in.safetensors")
    tensors["layers.1.conv.bias"] += 1
    save_checkpoint(tmp_path / "trained.safetensors", tensors, header)
    darknet_main([f"--weights={tmp_path / 'trained.safetensors'}", f"--out={tmp_path / 'back'}"])
    before, after = (np.frombuffer(p.read_bytes()[20:], "<f4") for p in (darknet[1], tmp_path / "back/small.weights"))
    assert np.flatnonzero(before != after).tolist() == list(range(186, 200))  # biases of layer 1, in the file's order


def test_the_heads_of_the_cfg_decide_decode_and_input(darknet: tuple[Path, Path], tmp_path: Path) -> None:
    _import(darknet, tmp_path / "in.safetensors")
    checkpoint = load_checkpoint(tmp_path / "in.safetensors")
    decode, preprocess = decode_of(checkpoint.header), preprocess_of(checkpoint.header)
    assert isinstance(decode, YoloDecode)
    (scale,) = decode.scales
    assert (scale.stride, scale.anchors_px, scale.scale_x_y) == (16, ((10.0, 14.0), (23.0, 27.0)), 1.05)
    assert (preprocess.width, preprocess.height, preprocess.colour_order) == (64, 32, "rgb")
    outputs = torch_run(checkpoint)(np.zeros((32, 64, 3), np.uint8))
    assert outputs["yolo0"].shape == (14, 2, 4)


def test_another_size_and_epsilon_are_kept(darknet: tuple[Path, Path], tmp_path: Path) -> None:
    assert _import(darknet, tmp_path / "in.safetensors", "--size=96x96", "--bn-eps=1e-6") == 0
    header = load_checkpoint(tmp_path / "in.safetensors").header
    assert (header.width, header.height) == (96, 96)
    assert header.darknet is not None
    assert header.darknet.bn_eps == 1e-6


def test_a_cfg_that_letterboxes_is_letterboxed_unless_the_user_knows_better(
    darknet: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "in.safetensors"
    darknet[0].write_text(CFG.replace("channels=3", "channels=3\nletter_box=1"))
    for more, expected in (
        ([], ("letterbox", 127)),
        (["--padding=0"], ("letterbox", 0)),
        (["--resize=stretch"], ("stretch", None)),
    ):
        assert _import(darknet, out, *more) == 0
        assert "letter_box=1: images are letterboxed" in capsys.readouterr().err
        header = load_checkpoint(out).header
        assert (header.resize, header.padding) == expected


def test_class_names_come_from_the_file_and_must_be_as_many(
    darknet: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.names").write_text("cat\ndog\n")
    (tmp_path / "three.names").write_text("cat\ndog\nbird\n")
    assert _import(darknet, tmp_path / "in.safetensors", f"--classes={tmp_path / 'two.names'}") == 0
    assert load_checkpoint(tmp_path / "in.safetensors").header.labels == ("cat", "dog")
    assert _import(darknet, tmp_path / "no.safetensors", f"--classes={tmp_path / 'three.names'}") == 2
    assert "names 3 classes, but" in capsys.readouterr().err
    assert not (tmp_path / "no.safetensors").exists()


def test_a_cut_file_needs_upto(darknet: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    darknet[1].write_bytes(darknet[1].read_bytes()[: 20 + 4 * 186])
    assert _import(darknet, tmp_path / "in.safetensors") == 2
    assert "98 too few" in capsys.readouterr().err
    torch.manual_seed(0)
    assert _import(darknet, tmp_path / "in.safetensors", "--upto=1") == 0
    assert "layer 1 keeps random values" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--task=detect"], "TASK=detect: a cfg's own sections tell its task"),
        (["--model=yolo-fastestv2"], "give one of MODEL= and CFG="),
        (["--size=100x64"], "choose a width that it divides"),
        (["--upto=7"], "has 3 layers; choose 1 to 3"),
    ],
)
def test_options_that_do_not_fit_a_cfg_are_refused(
    more: list[str], expected: str, darknet: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _import(darknet, tmp_path / "in.safetensors", *more) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "in.safetensors").exists()


def test_a_network_of_the_zoo_has_no_darknet_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgewright_train.new_network import untrained  # noqa: PLC0415

    checkpoint = untrained("shufflenetv2-0.1", None, num_classes=2)
    save_checkpoint(tmp_path / "s.safetensors", checkpoint.network.state_dict(), checkpoint.header)
    assert darknet_main([f"--weights={tmp_path / 's.safetensors'}", f"--out={tmp_path / 'back'}"]) == 2
    assert "did not come from a darknet cfg" in capsys.readouterr().err


@needs_shared
@pytest.mark.parametrize("name", ["yolo-fastest-1.1", "MobileNetV2-YOLO-Fastest-voc", "tiny"])
def test_published_darknet_files_come_back_byte_by_byte(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg, weights = (SHARED / f"weights/darknet/{name}{suffix}" for suffix in (".cfg", ".weights"))
    out = tmp_path / "in.safetensors"
    assert import_main([f"--cfg={cfg}", f"--weights={weights}", f"--out={out}", "--json=-"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == name
    assert darknet_main([f"--weights={out}", f"--out={tmp_path}"]) == 0
    assert (tmp_path / cfg.name).read_bytes() == cfg.read_bytes()
    assert (tmp_path / weights.name).read_bytes() == weights.read_bytes()
