"""TFLite files from plans: what stays in float, what they weigh, and that a wrong number in them shows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared
from small_pack import preprocess
from tflite_int8 import Quantised, exported, min_max, operations, run
from torch import nn

from edgewright_calibration.grid import Grid
from edgewright_calibration.layerwise import weights_only_plan
from edgewright_calibration.plan import Plan
from edgewright_calibration.quantise import tflite
from edgewright_calibration.ranges import Range, Ranges
from edgewright_calibration.reference import Reference
from edgewright_calibration.tflite_plan import tflite_plan
from edgewright_export.capture import capture, runnable
from edgewright_export.conversion import ConversionSpec
from edgewright_export.tfl import translate
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.errors import CheckError
from edgewright_train.importers import import_checkpoint
from edgewright_train.inference import preprocess_of
from edgewright_train.new_network import settled, untrained

IMAGES = torch.randn(3, 3, 9, 7, generator=torch.Generator().manual_seed(0)) + 0.5


def network(*changes: Callable[[nn.Module], None]) -> nn.Module:
    """Four layers: `conv2d`, `conv2d_1` (depthwise), `conv2d_2`, `conv2d_3`."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 6, 1), nn.ReLU(),
        nn.Conv2d(6, 4, 1),
    )  # fmt: skip
    for change in changes:
        change(module)
    return module


def convolutions(path: Path) -> list[str]:
    return [kind for name, kind in operations(path) if name.endswith("CONV_2D")]


def wrong_plans(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Each with one number that is off by 3 %."""
    for name, grid in plan.outputs.items():
        wider = grid.model_copy(update={"scale": grid.scale * 1.03})
        yield f"grid of {name}", plan.model_copy(update={"outputs": {**plan.outputs, name: wider}})
    for name, layer in plan.layers.items():
        scales = (layer.weight_scales[0] * 1.03, *layer.weight_scales[1:])
        changed = layer.model_copy(update={"weight_scales": scales})
        yield f"first weights of {name}", plan.model_copy(update={"layers": {**plan.layers, name: changed}})


def test_one_wrong_number_in_the_file_shows(tmp_path: Path) -> None:
    quantised = Quantised(exported(network(), IMAGES), IMAGES)
    for what, wrong in wrong_plans(quantised.plan):
        assert quantised.differences(tmp_path, wrong).max() > 0.9, what


@pytest.mark.parametrize("index", range(4))
def test_a_layer_can_stay_in_float(index: int, tmp_path: Path) -> None:
    name = f"conv2d_{index}" if index else "conv2d"
    quantised = Quantised(exported(network(), IMAGES), IMAGES, float_layers=[name])
    quantised.write(tmp_path / "y")
    assert convolutions(tmp_path / "y") == ["float32" if layer == index else "int8" for layer in range(4)]
    assert name not in quantised.plan.layers
    assert quantised.differences(tmp_path).max() < 1.01


def test_between_layers_in_float_nothing_is_rounded(tmp_path: Path) -> None:
    quantised = Quantised(exported(network(), IMAGES), IMAGES, float_layers=["conv2d_1", "conv2d_2"])
    quantised.write(tmp_path / "y")
    assert [name for name, _ in operations(tmp_path / "y")] == [
        "QUANTIZE", "CONV_2D", "DEQUANTIZE", "DEPTHWISE_CONV_2D", "CONV_2D", "QUANTIZE", "CONV_2D", "DEQUANTIZE",
    ]  # fmt: skip


def test_with_all_layers_in_float_the_file_computes_what_the_float_file_does(tmp_path: Path) -> None:
    names = ["conv2d", "conv2d_1", "conv2d_2", "conv2d_3"]
    quantised = Quantised(exported(network(), IMAGES), IMAGES, float_layers=names)
    quantised.write(tmp_path / "y")
    translate(quantised.exported, tmp_path / "float", input_name="image", output_names=["y0"])
    assert operations(tmp_path / "y") == operations(tmp_path / "float")
    np.testing.assert_array_equal(*(run(tmp_path / name, IMAGES[:1])["y0"] for name in ("y", "float")))


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (Quantised(exported(network(), IMAGES), IMAGES) for _ in range(2))
    assert first.plan == second.plan
    assert first.write(tmp_path / "a") == second.write(tmp_path / "b")


def test_weights_alone_take_a_byte_each(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 96, 3), nn.ReLU(), nn.Conv2d(96, 96, 3, groups=96), nn.Conv2d(96, 96, 1))
    captured = exported(module, IMAGES)
    plan = weights_only_plan(runnable(captured), "tflite")
    sizes = {}
    for name, given in (("float", None), ("w8", plan)):
        translate(captured, tmp_path / name, input_name="image", output_names=["y"], plan=given)
        sizes[name] = (tmp_path / name).stat().st_size
    num_weights = sum(layer.weight.numel() for layer in module if isinstance(layer, nn.Conv2d))
    assert sizes["float"] - sizes["w8"] > 2.5 * num_weights
    with torch.no_grad():
        expected = Reference(runnable(captured), plan).run(IMAGES[:1])
    np.testing.assert_allclose(run(tmp_path / "w8", IMAGES[:1])["y"], expected, rtol=1e-5, atol=1e-6)


def _always_zero(module: nn.Module) -> None:
    with torch.no_grad():
        module[2].weight.zero_()
        module[2].bias.zero_()


def _almost_zero(module: nn.Module) -> None:
    """The result of `conv2d_2` is cut off at a fraction of what one product of codes stands for."""
    with torch.no_grad():
        module[3].bias.fill_(-1e4)
        module[3].weight[0] = 1000
        module[3].bias[0] = -float((1000 * module[2](module[0](IMAGES).relu())).sum(1).max()) + 1e-3


@pytest.mark.parametrize("change", [_always_zero, _almost_zero])
def test_what_has_no_usable_step_stays_in_float(change: Callable[[nn.Module], None], tmp_path: Path) -> None:
    quantised = Quantised(exported(network(change), IMAGES), IMAGES)
    quantised.write(tmp_path / "y")
    assert "float32" in convolutions(tmp_path / "y")
    assert quantised.differences(tmp_path).max() < 1.01


def test_a_plan_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    quantised = Quantised(exported(network(), IMAGES), IMAGES)
    plan = quantised.plan
    without = plan.model_copy(update={"outputs": {k: v for k, v in plan.outputs.items() if k != "relu"}})
    with pytest.raises(CheckError, match="both grids of relu or none"):
        quantised.differences(tmp_path, without)
    twice = plan.model_copy(
        update={"outputs": {**plan.outputs, "conv2d": Grid(scale=1, zero_point=0, low=-128, high=127)}}
    )
    with pytest.raises(CheckError, match="a grid of conv2d that"):
        quantised.differences(tmp_path, twice)
    in_float = Quantised(exported(network(), IMAGES), IMAGES, float_layers=["conv2d_2"]).plan
    grid_of_float = in_float.model_copy(update={"outputs": {**in_float.outputs, "relu_1": plan.outputs["relu_1"]}})
    with pytest.raises(CheckError, match="a grid of relu_1, which cannot"):
        quantised.differences(tmp_path, grid_of_float)
    strange = plan.model_copy(update={"outputs": {**plan.outputs, "input": plan.outputs["relu"]}})
    with pytest.raises(CheckError, match="names input, which"):
        quantised.differences(tmp_path, strange)


def test_the_operand_of_a_leaky_relu_has_no_more_room_below_zero_than_above() -> None:
    graph_module = runnable(exported(nn.Sequential(nn.Conv2d(3, 6, 3), nn.LeakyReLU(), nn.Conv2d(6, 4, 1)), IMAGES))
    nodes = min_max(graph_module, IMAGES).nodes
    ranges = Ranges(method="given", nodes={**nodes, "conv2d": Range(low=-30, high=10)})
    grid = tflite_plan(graph_module, ranges).outputs["conv2d"]
    assert grid.scale == pytest.approx(20 / 255)
    assert grid.zero_point in (-1, 0)


def test_a_range_that_is_missing_is_named() -> None:
    graph_module = runnable(exported(network(), IMAGES))
    ranges = min_max(graph_module, IMAGES)
    rest = {name: span for name, span in ranges.nodes.items() if name != "relu"}
    with pytest.raises(CheckError, match="no range of 'relu'"):
        tflite_plan(graph_module, ranges.model_copy(update={"nodes": rest}))


@pytest.mark.parametrize("precision", ["int8", "mixed", "w8"])
def test_the_converter_reads_the_plan_from_its_file(precision: Any, tmp_path: Path) -> None:
    captured = exported(network(), IMAGES)
    graph_module = runnable(captured)
    ranges = min_max(graph_module, IMAGES)
    plans = {
        "int8": tflite_plan(graph_module, ranges),
        "mixed": tflite_plan(graph_module, ranges, float_layers=["conv2d"]),
        "w8": weights_only_plan(graph_module, "tflite"),
    }
    (tmp_path / "plan.json").write_text(plans[precision].model_dump_json())
    spec = ConversionSpec(
        precision=precision, input_name="image", output_names=("y",), preprocess=preprocess(7, 9), scratch=tmp_path,
        plan=tmp_path / "plan.json",
    )  # fmt: skip
    artefact = tflite.convert(captured, spec, tmp_path)
    assert (artefact.input_layout, artefact.output_layout) == ("nhwc", "nhwc")
    with torch.no_grad():
        expected = Reference(graph_module, plans[precision]).run(IMAGES[:1])
    np.testing.assert_allclose(run(tmp_path / artefact.entry, IMAGES[:1])["y"], expected, rtol=1e-5, atol=1e-6)


def test_a_network_with_float_operations_between_its_layers_equals_the_reference(tmp_path: Path) -> None:
    torch.manual_seed(0)
    checkpoint = settled(untrained("espnetv2-0.5", "segment", size_wh=(64, 64)))
    normalise, scenes = preprocess_of(checkpoint.header), ShapesDataset("train", count=2)
    images = [normalise.normalise(normalise.network_image(scenes.image(index))) for index in range(2)]
    deployed = checkpoint.header.architecture.deploy(checkpoint.network)
    quantised = Quantised(capture(deployed, 64, 64), torch.from_numpy(np.concatenate(images)))
    assert (
        quantised.differences(tmp_path) > 0.01
    ).mean() < 0.001  # a code moved by the last bit of a float moves others


@needs_shared
def test_the_published_detector_equals_the_reference_and_is_small(tmp_path: Path) -> None:
    weights = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    found = import_checkpoint("yolo-fastestv2", weights, task="detect", size_wh=None)
    net = found.header.architecture.build(len(found.header.labels))
    net.load_state_dict(found.tensors)
    files = sorted((SHARED / "data" / "coco_train2017_128").rglob("*.jpg"))[:1]
    assert files
    normalise = preprocess_of(found.header)
    images = [normalise.normalise(normalise.network_image(cv2.imread(str(file)))) for file in files]
    quantised = Quantised(
        capture(found.header.architecture.deploy(net), 352, 352), torch.from_numpy(np.concatenate(images))
    )
    assert len(quantised.write(tmp_path / "y")) <= 420_000
    assert quantised.differences(tmp_path).max() < 0.01
