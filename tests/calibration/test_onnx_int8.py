"""ONNX in int8: what onnxruntime computes is what the reference computes, code by code, and in integers."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from int8_cases import CASES, Case, images
from numpy.typing import NDArray
from onnx_int8 import QuantisedOnnx, operations, optimised_operations
from tflite_int8 import exported, output_names
from torch import Tensor, fx, nn

from edgewright_calibration.grid import Grid
from edgewright_calibration.layers import layers


class Together(nn.Module):
    """Cases that read the same image, as torch's exporter takes seconds for each.  No two have the same weights."""

    def __init__(self, cases: Iterable[Case]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(case.network() for case in cases)
        with torch.no_grad():
            for number, one in enumerate(self.networks):
                for parameter in one.parameters():
                    parameter.mul_(1 + number / 100)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        results = [network(x) for network in self.networks]
        return tuple(part for result in results for part in (result if isinstance(result, tuple) else (result,)))


@dataclass(frozen=True)
class Proof:
    """`differences`: by case, of all values on its way."""

    quantised: QuantisedOnnx
    differences: dict[str, NDArray[np.float64]]
    operations: Counter[str]


@pytest.fixture(scope="module", params=[(9, 7), (8, 12)], ids=["9x7", "8x12"])
def proof(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Proof:
    cases = [case for case in CASES if tuple(case.x.shape[2:]) == request.param]
    folder, together = tmp_path_factory.mktemp("together"), Together(cases)
    quantised = QuantisedOnnx(exported(together, cases[0].x), cases[0].x)
    by_node, found = quantised.differences_of(folder), {}
    outputs = iter(output_names(quantised.graph_module))
    for number, (case, network) in enumerate(zip(cases, together.networks, strict=True)):
        result = network(case.x[:1])
        ends = [next(outputs) for _ in (result if isinstance(result, tuple) else (result,))]
        names = behind(quantised.graph_module, ends)
        found[f"{number} {case.name}"] = np.concatenate([by_node[name] for name in by_node if name in names])
    return Proof(quantised, found, optimised_operations(folder))


def behind(graph_module: fx.GraphModule, ends: Collection[str]) -> set[str]:
    """Names of the nodes that those of that name are computed from, and their own."""
    found: set[str] = set()
    waiting = [node for node in graph_module.graph.nodes if node.name in ends]
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found.add(node.name)
            waiting.extend(node.all_input_nodes)
    return found


def test_every_code_is_that_of_the_reference(proof: Proof) -> None:
    on_codes = {case.name: case.on_codes for case in CASES}
    for name, differences in proof.differences.items():
        if on_codes[name.split(" ", 1)[1]]:
            assert differences.max() < 0.01, name  # reals of equal codes differ in the last bit of a float32
        else:  # the last bit of a float operation moves a code now and then
            assert differences.max() < 1.01, name
            assert (differences > 0.01).mean() < 0.002, name


def test_every_layer_is_computed_in_integers(proof: Proof) -> None:
    assert proof.operations["QLinearConv"] == len(list(layers(proof.quantised.graph_module)))
    assert not {"Conv", "FusedConv", "Concat", "MaxPool"} & set(proof.operations)


def network() -> nn.Module:
    """Four layers: `conv2d`, `conv2d_1` (depthwise), `conv2d_2`, `conv2d_3`."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 6, 1), nn.ReLU(),
        nn.Conv2d(6, 4, 1),
    )  # fmt: skip


@pytest.mark.parametrize("names", [["conv2d"], ["conv2d_1"], ["conv2d_1", "conv2d_2"], ["conv2d_3"]])
def test_layers_left_in_float_are_not_quantised_by_onnxruntime_either(names: list[str], tmp_path: Path) -> None:
    quantised = QuantisedOnnx(exported(network(), images()), images(), float_layers=names)
    assert quantised.differences(tmp_path).max() < 1.01
    found = optimised_operations(tmp_path)
    assert (found["QLinearConv"], found["Conv"] + found["FusedConv"]) == (4 - len(names), len(names))


@pytest.mark.parametrize("what", ["grid", "weights"])
def test_a_wrong_number_in_the_model_shows(what: str, tmp_path: Path) -> None:
    quantised = QuantisedOnnx(exported(network(), images()), images())
    plan = quantised.plan
    if what == "grid":
        wrong = {
            "conv2d_1": plan.outputs["conv2d_1"].model_copy(update={"scale": plan.outputs["conv2d_1"].scale * 1.03})
        }
        changed = plan.model_copy(update={"outputs": {**plan.outputs, **wrong}})
    else:
        layer = plan.layers["conv2d_1"]
        scales = (layer.weight_scales[0] * 1.03, *layer.weight_scales[1:])
        other = {"conv2d_1": layer.model_copy(update={"weight_scales": scales})}
        changed = plan.model_copy(update={"layers": {**plan.layers, **other}})
    assert quantised.differences(tmp_path, changed).max() > 0.9


def test_what_is_always_zero_stays_in_float(tmp_path: Path) -> None:
    module = network()
    with torch.no_grad():
        module[2].weight.zero_()
        module[2].bias.zero_()
    quantised = QuantisedOnnx(exported(module, images()), images())
    assert set(quantised.plan.layers) == {"conv2d", "conv2d_3"}  # what reads zeros, and what gives them
    assert quantised.differences(tmp_path).max() < 1.01


def test_a_relu_keeps_its_grid_from_what_can_be_negative(tmp_path: Path) -> None:
    """It is the lowest code of its grid; of one that goes below zero, onnxruntime would compute the layer in float."""

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second, self.last = nn.Conv2d(3, 6, 1), nn.Conv2d(3, 6, 1), nn.Conv2d(12, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.cat((self.first(x).relu(), self.second(x)), 1))

    quantised = QuantisedOnnx(exported(Joined(), images()), images())
    grids: dict[str, Grid] = quantised.plan.outputs
    assert grids["relu"].zero_point == -128
    assert grids["conv2d_1"] == grids["cat"] != grids["relu"]
    assert operations(quantised.model(tmp_path), tmp_path)["QLinearConv"] == 3
