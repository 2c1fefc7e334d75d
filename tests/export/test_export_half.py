"""`make export PRECISION=fp16` of a network with values that half precision does not have."""

import json
from pathlib import Path

import pytest
import torch

from edgewright_calibration.__main__ import main as export_main
from edgewright_export.ncnn_param import parse_param
from edgewright_train.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def overflowing(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network, but that the values between two of its layers are a million times as large."""
    loaded = load_checkpoint(checkpoint)
    branch = loaded.network.get_submodule("backbone.stage2.0.branch_main")
    with torch.no_grad():
        for values in (branch[1].weight, branch[1].bias):
            values.mul_(1e6)
        branch[3].weight.div_(1e6)
    path = tmp_path_factory.mktemp("overflowing") / "best.safetensors"
    save_checkpoint(path, loaded.network.state_dict(), loaded.header)
    return path


@pytest.mark.parametrize("target", ["ncnn", pytest.param("coreml", marks=pytest.mark.slow)])
def test_the_pack_is_proven_and_the_layers_in_float32_are_named(
    target: str, overflowing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "result.json"
    arguments = [f"--weights={overflowing}", f"--target={target}", "--precision=fp16", f"--out={tmp_path}"]
    assert export_main([*arguments, f"--json={record}"]) == 0
    (found,) = json.loads(record.read_text())
    assert found["error"] is None
    reasons = found["full_precision"]
    assert any("is beyond 65504" in reason for reason in reasons.values())
    assert 2 <= len(reasons) <= 4  # the convolution, its activation and what reads that; not the network
    text = capsys.readouterr().out
    assert f"{target}-fp16: in float32, for half precision is too small: {next(iter(reasons))} (largest value" in text
    if target == "ncnn":
        layers = parse_param((Path(found["pack"]) / "model.param").read_text())
        assert 2 <= sum(layer.integer(31, 0) & 3 == 3 for layer in layers) <= 4


def test_an_ordinary_network_keeps_nothing_in_float32(checkpoint: Path, tmp_path: Path) -> None:
    record = tmp_path / "result.json"
    arguments = [f"--weights={checkpoint}", "--target=ncnn", "--precision=fp32,fp16", f"--out={tmp_path}"]
    assert export_main([*arguments, f"--json={record}"]) == 0
    assert [each["full_precision"] for each in json.loads(record.read_text())] == [{}, {}]
    param = (tmp_path / "yolo-fastestv2" / "ncnn-fp16" / "model.param").read_text()
    half_bits = 3  # of the mask that switches features of a layer off: half-precision arithmetic and storage
    assert all(int(layer.params.get(31, "0")) & half_bits == 0 for layer in parse_param(param))
