"""The options that tools/quantisation_options measures do what they are said to: else their figures say nothing."""

import json
from pathlib import Path

import pytest
import torch
from ncnn_int8 import Captured, captured, min_max_ranges
from quantisation_options.__main__ import main
from quantisation_options.bias_correction import bias_corrected
from quantisation_options.equalisation import equalised_by_values, equalised_by_weights, pairs
from quantisation_options.layer_methods import ranges_by_layer
from quantising import EveryLayer
from small_detector_cfg import small_detector_cfg
from torch import Tensor, fx, nn
from torch.nn import functional as F

from edgewright_calibration.layers import layers
from edgewright_calibration.plan import Plan
from edgewright_calibration.precisions import PLANNERS
from edgewright_calibration.ranges import Range, Ranges
from edgewright_calibration.reference import Reference
from edgewright_calibration.sensitivity import relative_noise
from edgewright_export.manifest import Target
from edgewright_train.checkpoint import save_checkpoint
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.data.shapes.write_darknet import write_darknet
from edgewright_train.new_network import settled, untrained_cfg

TARGETS: tuple[Target, ...] = ("onnx", "ncnn", "tflite", "coreml")


class Uneven(nn.Module):
    """Every kind of pair, channels between which differ by factors of up to 100 for no reason; and what is no pair."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.depthwise = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.point = nn.Conv2d(16, 24, 1)
        self.grouped = nn.Conv2d(24, 32, 3, 1, 1, groups=4)
        self.left, self.right = nn.Conv2d(32, 8, 1), nn.Conv2d(32, 8, 1)
        self.last = nn.Conv2d(8, 8, 1)
        for layer in (self.stem, self.depthwise, self.point):
            nn.init.kaiming_normal_(layer.weight)
        sizes = torch.logspace(-1, 1, 16)[torch.randperm(16)]
        self.stem.weight.data *= sizes.reshape(-1, 1, 1, 1)
        self.stem.bias.data *= sizes
        self.depthwise.weight.data /= sizes.reshape(-1, 1, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.depthwise(F.leaky_relu(self.stem(image), 0.1))
        x = self.grouped(F.max_pool2d(torch.relu(self.point(torch.relu(x))), 2, 2))
        return self.left(x), self.last(torch.sigmoid(self.right(x)))


@pytest.fixture(scope="module")
def uneven() -> Captured:
    return captured(Uneven().eval())


@torch.no_grad()
def outputs(graph: fx.GraphModule, images: list[Tensor]) -> list[tuple[Tensor, ...]]:
    return [tuple(graph(image)) for image in images]


@torch.no_grad()
def noise(source: Captured, graph: fx.GraphModule, plan: Plan) -> float:
    reference = Reference(graph, plan)
    shares = [relative_noise(source.graph(image), reference.run(image)) for image in source.tensors()]
    return sum(shares) / len(shares)


def equalised(source: Captured, by: str) -> fx.GraphModule:
    if by == "weights":
        return equalised_by_weights(source.graph)
    return equalised_by_values(source.graph, {node.name for node in source.graph.graph.nodes}, source.tensors())


def test_pairs_have_nothing_between_that_does_not_scale_and_no_other_reader(uneven: Captured) -> None:
    shapes = [(tuple(pair.first.weight.shape[:2]), tuple(pair.second.weight.shape[:2])) for pair in pairs(uneven.graph)]
    assert shapes == [((16, 3), (16, 1)), ((16, 1), (24, 16)), ((24, 16), (32, 6))]


@pytest.mark.parametrize("by", ["weights", "values"])
def test_an_equalised_network_computes_the_same(uneven: Captured, by: str) -> None:
    before = {layer.name: layer.weight.clone() for layer in layers(uneven.graph)}
    changed = equalised(uneven, by)
    pictures = uneven.tensors()
    for expected, found in zip(outputs(uneven.graph, pictures), outputs(changed, pictures), strict=True):
        for a, b in zip(expected, found, strict=True):
            assert float((a - b).abs().max()) < 1e-5 * float(a.abs().max())
    after = {layer.name: layer.weight for layer in layers(changed)}
    assert sum(not torch.equal(before[name], weight) for name, weight in after.items()) == 4
    assert all(torch.equal(before[layer.name], layer.weight) for layer in layers(uneven.graph)), "the original changed"


@pytest.mark.parametrize("target", ["onnx", "coreml"])
def test_channels_of_different_sizes_lose_less_once_they_are_equalised(uneven: Captured, target: Target) -> None:
    def of(graph: fx.GraphModule) -> float:
        own = Captured(uneven.exported, graph, uneven.output_names, uneven.preprocess, uneven.images)
        return noise(uneven, graph, PLANNERS["int8"][target](graph, min_max_ranges(own), ()))

    assert of(equalised(uneven, "values")) < 0.6 * of(uneven.graph)


@pytest.mark.parametrize("target", TARGETS)
def test_corrected_biases_leave_no_mean_error(target: Target) -> None:
    """A quarter of every range but those of results is cut off, which moves all means."""
    source = captured(EveryLayer().eval())
    whole = min_max_ranges(source).nodes
    cut = {
        name: Range(low=span.low, high=span.high * (1 if name == "linear" else 0.75)) for name, span in whole.items()
    }
    plan = PLANNERS["int8"][target](source.graph, Ranges(method="cut", nodes=cut), ())
    corrected = bias_corrected(source.graph, plan, source.tensors())

    @torch.no_grad()
    def mean_error(graph: fx.GraphModule) -> float:
        """Of the output that a layer gives, over what it spans."""
        reference = Reference(graph, plan)
        pairs_ = [(source.graph(image)[1], reference.run(image)[1]) for image in source.tensors()]
        wanted, found = (torch.stack(each).double() for each in zip(*pairs_, strict=True))
        return float((wanted - found).mean((0, 1)).abs().max() / wanted.std())

    assert mean_error(corrected) < 0.1 * mean_error(source.graph)
    assert noise(source, corrected, plan) < noise(source, source.graph, plan)


@pytest.mark.parametrize("target", TARGETS)
def test_each_layer_gets_the_method_that_is_best_for_it(target: Target) -> None:
    """One method has ruined the range of every second layer's input, the other that of the rest."""
    source = captured(EveryLayer().eval())
    good = min_max_ranges(source)
    read = list(dict.fromkeys(layer.input.name for layer in layers(source.graph)))
    ranges = {method: spoilt(good, read[start::2], method) for start, method in enumerate(("odd", "even"))}
    plans = {method: PLANNERS["int8"][target](source.graph, each, ()) for method, each in ranges.items()}
    found = ranges_by_layer(source.graph, plans, ranges, source.tensors())
    computed = [node for node in read if any(source_of(node, plan, source) for plan in plans.values())]
    assert len(computed) > 2
    assert all(found.nodes[node] == good.nodes[node] for node in computed)


def spoilt(ranges: Ranges, names: list[str], method: str) -> Ranges:
    wide = {name: Range(low=20 * span.low, high=20 * span.high) for name, span in ranges.nodes.items()}
    return Ranges(method=method, nodes={**ranges.nodes, **{name: wide[name] for name in names}})


def source_of(node: str, plan: Plan, source: Captured) -> bool:
    return any(layer.input.name == node and layer.name in plan.layers for layer in layers(source.graph))


def test_the_command_prints_a_row_for_each_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.cfg").write_text(small_detector_cfg(num_classes=6))
    torch.manual_seed(0)
    checkpoint = settled(untrained_cfg(tmp_path / "small.cfg"))
    header = checkpoint.header.model_copy(update={"labels": ShapesDataset("val", count=1).labels})
    save_checkpoint(tmp_path / "best.safetensors", checkpoint.network.state_dict(), header)
    labelled = tmp_path / "shapes"
    write_darknet(labelled, {split: ShapesDataset(split, count=12) for split in ("train", "val")}, advance=lambda: None)
    given = [f"--weights={tmp_path / 'best.safetensors'}", f"--data={labelled}", "--target=tflite", "--calibration=8"]
    assert main([*given, "--images=3", f"--json={tmp_path / 'out.json'}"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ") and "noise" not in line]
    found = json.loads((tmp_path / "out.json").read_text())["variants"]
    assert [row.split(" | ")[0][2:] for row in rows] == [each["options"] for each in found]
    assert found[0]["options"] == "default"
    assert {"method per layer", "equalised by weights", "equalised by values", "bias corrected"} <= {
        each["options"] for each in found
    }
    assert main([*given, "--images=0"]) == 2
    assert "--images 0: must be" in capsys.readouterr().err
