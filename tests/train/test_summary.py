"""`make summary`: what is printed of a network is what the network is."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from edgewright_train.commands.summarise import main
from edgewright_train.models import architecture
from edgewright_train.summary import summarise

CFG = """[net]
width=32
height=32
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=5
size=1
activation=linear
[avgpool]
[softmax]
"""


def test_a_convolutions_macs_are_its_outputs_times_what_each_of_them_sums() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4))
    summary = summarise(network, 16, 12)
    assert [layer.output_shape for layer in summary.layers] == [(8, 6, 8), (8, 6, 8), (8, 4, 6)]
    assert [layer.macs for layer in summary.layers] == [8 * 6 * 8 * 27, 0, 8 * 4 * 6 * 2 * 9]
    assert summary.macs == sum(layer.macs for layer in summary.layers)


def test_layers_together_have_all_parameters_and_all_macs_of_a_real_network() -> None:
    network = architecture("shufflenetv2-0.1").build(10)
    summary = summarise(network, 64, 64)
    assert sum(layer.num_parameters for layer in summary.layers) == summary.num_trainable
    assert sum(layer.macs for layer in summary.layers) == summary.macs > 0
    stored = sum(t.numel() for t in network.state_dict().values() if t.dtype == torch.float32)
    assert summary.num_stored == stored > summary.num_trainable


def test_frozen_parameters_are_not_counted_as_trained() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    network[0].weight.requires_grad_(False)
    assert summarise(network, 8, 8).num_trainable == 4


def test_a_cfg_is_shown_section_by_section_at_the_size_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.cfg").write_text(CFG)
    assert main([f"--cfg={tmp_path / 'small.cfg'}", "--size=64x32"]) == 0
    shown = capsys.readouterr().out
    assert "small, classify, 5 classes, 64x32" in shown
    assert "8x16x32" in shown  # the first convolution's output: channels x height x width
    assert "maxpool" in shown


def test_json_goes_where_it_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["--model=shufflenetv2-0.1", "--size=64x64", f"--json={out}"]) == 0
    record = json.loads(out.read_text())
    assert (record["model"], record["task"], record["num_classes"]) == ("shufflenetv2-0.1", "classify", 1000)
    assert record["macs"] > 0
    assert record["torch_latency_ms"] > 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "give one of MODEL=, WEIGHTS= and CFG="),
        (["--model=espnetv2-0.5"], "give TASK=, one of: classify, segment, detect"),
        (["--model=nosuch"], "unknown model; choose from: yolo-fastestv2"),
        (["--model=shufflenetv2-0.1", "--task=segment"], "shufflenetv2-0.1 does not do that"),
        (["--model=yolo-fastestv2", "--size=100x100"], "multiples of 32"),
        (["--cfg=nosuch.cfg"], "nosuch.cfg: No such file"),
    ],
)
def test_wrong_input_is_one_line_that_says_what_is_allowed(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert expected in error
    assert "\n" not in error
