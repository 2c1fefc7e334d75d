"""Which layers few bits hurt: measured one by one, found whatever is wrong with them, and written to be read again."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from ncnn_int8 import Captured, captured, min_max_ranges
from pydantic import ValidationError
from quantising import EveryLayer
from small_detector_cfg import small_detector_cfg
from torch import Tensor

from edgewright_calibration.layers import layers
from edgewright_calibration.plan import Plan
from edgewright_calibration.precisions import PLANNERS
from edgewright_calibration.reference import Reference
from edgewright_calibration.sensitivity import LayerError, layer_errors, relative_noise
from edgewright_calibration.sensitivity_cli import main
from edgewright_export.manifest import Target
from edgewright_export.pack import digest_file
from edgewright_export.sensitivity import Sensitivity, read_sensitivity
from edgewright_train.checkpoint import save_checkpoint
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.data.shapes.write_darknet import write_darknet
from edgewright_train.new_network import settled, untrained_cfg

TARGETS: tuple[Target, ...] = ("onnx", "ncnn", "tflite", "coreml")
CFG = small_detector_cfg(num_classes=6)


class OneBadLayer(EveryLayer):
    """One weight in each channel of `point`, of an input that is always zero, is so large that few steps are left."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.point.weight[:, 1] = 30 * self.point.weight.abs().max()
            self.depthwise.weight[1], self.depthwise.bias[1] = 0, 0


def measured(source: Captured, target: Target, **options: Any) -> list[LayerError]:
    ranges = min_max_ranges(source)

    def make_plan(float_layers: Collection[str]) -> Plan:
        return PLANNERS["int8"][target](source.graph, ranges, float_layers)

    return layer_errors(source.graph, make_plan, source.tensors(), **options)


@pytest.fixture(scope="module")
def source() -> Captured:
    return captured(EveryLayer().eval())


@pytest.mark.parametrize("target", ["onnx", "ncnn", "coreml"])
def test_a_layer_that_was_made_bad_is_found_first(target: Target) -> None:
    errors = measured(captured(OneBadLayer().eval()), target)
    worst = max(errors, key=lambda error: error.noise)
    assert worst.layer.weight.shape == (32, 16, 1, 1)
    assert worst.noise > 3 * sorted(error.noise for error in errors)[-2]


def test_what_a_target_always_computes_in_float_has_no_noise(source: Captured) -> None:
    found = {error.layer.kind: error for error in measured(source, "ncnn")}
    assert found["depthwise"].noise == found["grouped"].noise == 0
    assert found["depthwise"].sqnr_db == float("inf")
    assert found["conv"].noise > 0
    assert all(error.noise > 0 for error in measured(source, "onnx"))


@pytest.mark.parametrize("target", ["ncnn", "coreml"])
def test_noises_of_single_layers_add_up_to_about_that_of_all(source: Captured, target: Target) -> None:
    """Not where whole chains are in codes, as for TFLite and ONNX: what lies between two layers counts for both."""
    ranges = min_max_ranges(source)
    plan = PLANNERS["int8"][target](source.graph, ranges, ()).model_copy(update={"half_floats": False})
    reference = Reference(source.graph, plan)
    with torch.no_grad():
        shares = [relative_noise(source.graph(x), reference.run(x)) for x in source.tensors()]
    total = sum(error.noise for error in measured(source, target))
    assert total == pytest.approx(sum(shares) / len(shares), rel=0.35)


@pytest.mark.parametrize("target", TARGETS)
def test_a_replay_gives_what_a_run_from_the_start_gives(source: Captured, target: Target) -> None:
    """Bit for bit; but for Core ML, whose values before the layer are in half precision only from the start."""
    ranges, every = min_max_ranges(source), [layer.name for layer in layers(source.graph)]
    seen: dict[tuple[int, int], tuple[Tensor, ...]] = {}
    measured(source, target, on_outputs=lambda layer, image, outputs: seen.update({(layer, image): outputs}))
    assert len(seen) == len(every) * len(source.images)
    for index, name in enumerate(every):
        plan = PLANNERS["int8"][target](source.graph, ranges, [other for other in every if other != name])
        reference = Reference(source.graph, plan.model_copy(update={"half_floats": False}))
        with torch.no_grad():
            expected = reference.run(source.tensors()[1])
        if target == "coreml":
            assert relative_noise(expected, seen[index, 1]) < 1e-4
        else:
            assert all(torch.equal(a, b) for a, b in zip(expected, seen[index, 1], strict=True))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small detector for the generated data set."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.cfg").write_text(CFG)
    torch.manual_seed(0)
    checkpoint = settled(untrained_cfg(folder / "small.cfg"))
    header = checkpoint.header.model_copy(update={"labels": ShapesDataset("val", count=1).labels})
    save_checkpoint(folder / "best.safetensors", checkpoint.network.state_dict(), header)
    return folder / "best.safetensors"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes of mine")
    write_darknet(folder, {split: ShapesDataset(split, count=12) for split in ("train", "val")}, advance=lambda: None)
    return folder


def run(weights: Path, out: Path, *more: object) -> int:
    return main([f"--weights={weights}", f"--out={out}", "--calibration=8", "--images=3", *map(str, more)])


def test_it_writes_error_and_loss_of_every_layer_with_where_they_come_from(
    weights: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(weights, tmp_path, f"--data={labelled}", "--target=ncnn", f"--json={tmp_path / 'out.json'}") == 0
    path = tmp_path / "small/sensitivity-ncnn-int8.json"
    found = read_sensitivity(path)
    assert found.checkpoint_sha256 == digest_file(weights)
    assert found.calibration_sha256 == digest_file(tmp_path / "small/calibration.json")
    assert (found.width, found.height, len(found.images), found.metric) == (64, 32, 3, "AP50")
    assert [layer.kind for layer in found.layers] == ["conv", "depthwise", "conv"]
    first, depthwise, last = found.layers
    assert (depthwise.quantised, depthwise.noise, depthwise.sqnr_db, depthwise.loss) == (False, 0, None, None)
    assert first.noise > 0 < last.noise
    assert first.loss is not None is not last.loss
    assert (last.weights, last.macs) == (8 * 22, 8 * 22 * 4 * 2)
    assert found.together.noise > 0
    assert json.loads((tmp_path / "out.json").read_text()) == {"path": str(path), **found.model_dump(mode="json")}
    text = capsys.readouterr().out
    assert "2 layers alone, on 3 images of" in text
    assert "always float for ncnn: 1 layers (depthwise)" in text
    assert f"next: make export WEIGHTS={weights} TARGET=ncnn PRECISION=int8" in text
    assert f"METHOD={found.method} FLOAT={found.worst_first[0].name},{found.worst_first[1].name}" in text


def test_images_without_labels_give_errors_and_no_losses(weights: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(9):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 60, 3), np.uint8)
        (photos / f"{index}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    assert run(weights, tmp_path, f"--data={photos}", "--target=onnx", "--precision=w8") == 0
    found = read_sensitivity(tmp_path / "small/sensitivity-onnx-w8.json")
    assert (found.metric, found.source_value, found.together.loss) == (None, None, None)
    assert {layer.loss for layer in found.layers} == {None}
    assert all(layer.noise > 0 for layer in found.layers)
    assert (found.method, found.calibration_sha256) == (None, None)  # weights need no ranges


def test_the_same_inputs_give_the_same_bytes(weights: Path, labelled: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(weights, tmp_path / name, f"--data={labelled}", "--target=onnx", "--method=mse") == 0
    one, two = (tmp_path / name / "small/sensitivity-onnx-int8.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--target=tensorrt"], "TARGET=tensorrt: choose one of: onnx, ncnn, tflite, coreml"),
        (["--target=ncnn", "--precision=palette4"], "TARGET=ncnn: choose one of: coreml"),
        (["--precision=fp16"], "PRECISION=fp16: unknown; choose one of: int8"),
        (["--images=0"], "IMAGES=0: must be"),
        (["--calibration=3"], "CALIBRATION=3: must be"),
        (["--method=best"], "METHOD=best: unknown; choose from: auto"),
        (["--data=/nowhere"], "DATA=/nowhere: no such file"),
        (["--weights=/nowhere"], "/nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], expected: str
) -> None:
    assert run(weights, tmp_path / "out", *more) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")]
    assert len(error) == 1
    assert error[0].startswith("edgewright-sensitivity: error: ")
    assert expected in error[0]
    assert not (tmp_path / "out").exists()


def test_a_file_that_contradicts_itself_is_refused(weights: Path, labelled: Path, tmp_path: Path) -> None:
    assert run(weights, tmp_path, f"--data={labelled}", "--target=ncnn", "--method=mse") == 0
    good = json.loads((tmp_path / "small/sensitivity-ncnn-int8.json").read_text())
    for change, field in (
        ({"metric": None}, "metric, source_value"),
        ({"unknown": 1}, "unknown"),
        ({"layers": [{**good["layers"][0], "noise": -1.0}]}, "noise"),
        ({"layers": [{**good["layers"][0], "quantised": False}]}, "loss must be given"),
        ({"format_version": 2}, "format_version"),
    ):
        with pytest.raises(ValidationError, match=field):
            Sensitivity.model_validate_json(json.dumps({**good, **change}))
