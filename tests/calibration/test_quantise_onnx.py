"""Quantised ONNX models, run by onnxruntime: they compute what the reference computes, in integers."""

import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from ncnn_int8 import Captured, captured
from onnx import numpy_helper
from onnx_int8 import operations, session
from quantising import EveryLayer, Quantised, largest_difference, plan_for, quantised
from torch import Tensor, nn

from edgewright_calibration.grid import Grid
from edgewright_calibration.layers import layers
from edgewright_calibration.plan import LayerPlan, Plan
from edgewright_calibration.quantise.onnx import quantise_weights, rounded_model
from edgewright_export import to_onnx
from edgewright_export.conversion import ConversionSpec
from edgewright_train.errors import CheckError


@pytest.fixture(scope="module")
def source() -> Captured:
    return captured(EveryLayer())


@pytest.fixture(scope="module")
def int8(source: Captured, tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    return quantised(source, plan_for(source, "onnx", "int8"), "int8", tmp_path_factory.mktemp("onnx") / "int8")


@pytest.fixture(scope="module")
def float_model(source: Captured, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return to_onnx.float_model(source.exported, spec_for(source, tmp_path_factory.mktemp("float")))


def spec_for(source: Captured, scratch: Path) -> ConversionSpec:
    return ConversionSpec(
        precision="fp32", input_name="image", output_names=source.output_names, preprocess=source.preprocess,
        scratch=scratch,
    )  # fmt: skip


def model_of(made: Quantised) -> Any:
    return onnx.load(made.folder / made.artefact.entry)


def test_int8_equals_the_reference(int8: Quantised) -> None:
    assert len(int8.plan.layers) == 7
    assert largest_difference(int8.computed(), int8.expected()) < 2e-6


def test_int8_is_far_enough_from_float_for_equality_to_mean_something(int8: Quantised) -> None:
    with torch.no_grad():
        floats = [
            {name: value[0].numpy() for name, value in zip(int8.source.output_names, run, strict=True)}
            for run in map(int8.source.graph, int8.source.tensors())
        ]
    assert largest_difference(int8.computed(), floats) > 1e-3


def test_onnxruntime_computes_every_layer_in_integers(int8: Quantised, tmp_path: Path) -> None:
    found = operations(model_of(int8), tmp_path)
    assert (found["QLinearConv"], found["QGemm"]) == (6, 1)
    assert not {"Conv", "FusedConv", "Gemm", "Relu", "LeakyRelu"} & set(found)


@pytest.mark.parametrize("level", ["ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"])
@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("exact_sums", ["0", "1"])
def test_options_of_onnxruntime_do_not_change_a_code(
    int8: Quantised, level: str, num_threads: int, exact_sums: str
) -> None:
    """One code that differs would be seen: steps are far larger than the tolerance."""
    run = session(model_of(int8), level, num_threads=num_threads, exact_sums=exact_sums)
    for x, expected in zip(int8.source.tensors(), int8.expected(), strict=True):
        for name, value in zip(expected, run.run(list(expected), {"image": x.numpy()}), strict=True):
            np.testing.assert_allclose(value[0], expected[name], rtol=0, atol=2e-6)


def test_without_optimisation_sums_are_floats_and_codes_differ_by_one_now_and_then(int8: Quantised) -> None:
    run = session(model_of(int8), "ORT_DISABLE_ALL")
    for x, expected in zip(int8.source.tensors(), int8.expected(), strict=True):
        for name, value in zip(expected, run.run(list(expected), {"image": x.numpy()}), strict=True):
            assert np.abs(value[0] - expected[name]).mean() < 0.002 * np.abs(expected[name]).max()


class LargeSums(nn.Module):
    """Weights and inputs at the ends of their grids: what kernels with 16-bit sums get wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 16, 1), nn.Conv2d(16, 8, 3)
        with torch.no_grad():
            for layer in (self.first, self.second):
                layer.weight.fill_(0.5)
                layer.weight[1::2] = -0.5

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.second(torch.relu(self.first(image))),)


def test_the_largest_codes_do_not_saturate(tmp_path: Path) -> None:
    made = with_large_sums(tmp_path)
    expected = made.expected()
    size = max(float(np.abs(maps["y0"]).max()) for maps in expected)
    assert largest_difference(made.computed(), expected) < 1e-6 * size


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-user")
def test_the_largest_codes_do_not_saturate_on_a_cpu_without_vnni(tmp_path: Path) -> None:
    """As they do when onnxruntime is not asked for exact sums: the emulated CPU is one that matters."""
    made = with_large_sums(tmp_path)
    np.savez(tmp_path / "cases.npz", *(x.numpy() for x in made.source.tensors()))
    program = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.x64quantprecision", sys.argv[3])
session = onnxruntime.InferenceSession(sys.argv[1], options)
cases = numpy.load(sys.argv[2])
numpy.save(sys.argv[4], [session.run(None, {"image": cases[name]})[0][0] for name in cases])
"""
    errors = {}
    for exact_sums in "01":
        result = tmp_path / f"{exact_sums}.npy"
        arguments = [str(made.folder / made.artefact.entry), str(tmp_path / "cases.npz"), exact_sums, str(result)]
        command = ["qemu-x86_64", "-cpu", "Haswell", sys.executable, "-c", program, *arguments]
        subprocess.run(command, check=True, capture_output=True)
        expected = np.stack([maps["y0"] for maps in made.expected()])
        errors[exact_sums] = float(np.abs(np.load(result) - expected).max() / np.abs(expected).max())
    assert errors["0"] > 0.5
    assert errors["1"] < 1e-6


def with_large_sums(folder: Path) -> Quantised:
    source = captured(LargeSums(), 8, 8)
    source.images[:2], source.images[2:] = 255, 0
    return quantised(source, plan_for(source, "onnx", "int8"), "int8", folder / "int8")


def test_weights_alone_equal_the_reference(source: Captured, tmp_path: Path) -> None:
    made = quantised(source, plan_for(source, "onnx", "w8"), "w8", tmp_path / "w8")
    assert largest_difference(made.computed(), made.expected()) < 2e-6
    assert "QuantizeLinear" not in Counter(node.op_type for node in model_of(made).graph.node)


def test_layers_that_the_plan_leaves_in_float_keep_their_weights(source: Captured, tmp_path: Path) -> None:
    last = list(layers(source.graph))[-1]
    made = quantised(source, plan_for(source, "onnx", "mixed", float_layers=[last.name]), "mixed", tmp_path / "mixed")
    assert largest_difference(made.computed(), made.expected()) < 2e-6
    floats = [numpy_helper.to_array(tensor) for tensor in model_of(made).graph.initializer]
    floats = [value for value in floats if value.dtype == np.float32 and value.size >= last.weight.numel()]
    assert len(floats) == 1
    np.testing.assert_array_equal(floats[0], last.weight.numpy())


def test_a_value_that_two_layers_read_is_rounded_once(int8: Quantised) -> None:
    nodes = model_of(int8).graph.node
    rounded = [node.input[0] for node in nodes if node.op_type == "QuantizeLinear"]
    assert len(rounded) == len(set(rounded))


def test_all_weights_are_stored_as_bytes(int8: Quantised) -> None:
    sizes = Counter[str]()
    for tensor in model_of(int8).graph.initializer:
        sizes[numpy_helper.to_array(tensor).dtype.name] += numpy_helper.to_array(tensor).size
    assert sizes["int8"] >= sum(layer.weight.numel() for layer in layers(int8.source.graph))
    assert sizes["int32"] == 16 + 16 + 32 + 48 + 48 + 7  # biases; one layer has none
    assert sizes["float32"] < 500  # steps


def test_two_conversions_are_byte_identical(int8: Quantised, tmp_path: Path) -> None:
    again = quantised(int8.source, int8.plan, "int8", tmp_path / "again")
    assert again.contents() == int8.contents()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"no_such_layer": LayerPlan(input=None, weight_scales=(1.0,))}, "'no_such_layer' is not one of the network's"),
        ({"conv2d": LayerPlan(input=None, palette=(0.0, 1.0))}, "'conv2d' has a palette"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(
    source: Captured, float_model: Any, change: dict[str, LayerPlan], message: str
) -> None:
    model = onnx.ModelProto.FromString(float_model.SerializeToString())
    with pytest.raises(CheckError, match=message):
        quantise_weights(model, list(layers(source.graph)), Plan(target="onnx", layers=change, half_floats=False))


def test_a_grid_without_all_codes_is_refused(source: Captured, int8: Quantised, tmp_path: Path) -> None:
    wrong = {"conv2d_1": Grid(scale=1, zero_point=0, low=-127, high=127)}
    with pytest.raises(CheckError, match=r"'conv2d_1': QuantizeLinear has the codes -128\.\.127, not -127\.\.127"):
        rounded_model(source.exported, spec_for(source, tmp_path), int8.plan.model_copy(update={"outputs": wrong}))


def test_a_model_that_is_not_the_network_is_refused(source: Captured, int8: Quantised, float_model: Any) -> None:
    *most, last = layers(source.graph)
    message = "onnx: the weights of layer 'linear' are 0 times in the converted model, not 1"
    with pytest.raises(CheckError, match=message):
        quantise_weights(float_model, [*most, replace(last, weight=last.weight + 1)], int8.plan)
