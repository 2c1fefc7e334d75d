"""The plan of a TFLite file: whole chains of operations in int8, from the first layer to the last.

Which operations compute on codes follows XNNPACK: what it has fast kernels for.  After the last layer everything is in
float, so that probabilities are not multiples of 1/256.

The operands of a concatenation share its grid.  Measured with YOLO-FastestV2, whose blocks pass half of their channels
on, calibrated on 64 images: AP50 .3193 so; .3198 with a grid for each and a rounding in front; .3164 with the one or
the other by how far the ranges differ.  The smallest cosines of an output: .9980, .9974, .9974.
"""

import operator
from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import fx

from edgewright_train.errors import CheckError

from .grid import Grid, as_float32, asymmetric_grid
from .layers import Layer, layers
from .plan import LayerPlan, Plan
from .ranges import Range, Ranges
from .weights import channel_scales

_ATEN = torch.ops.aten
# Their result is made of elements of their operand, and has its grid.
_MOVING = frozenset(
    {
        operator.getitem, _ATEN.channel_shuffle.default, _ATEN.max_pool2d.default, _ATEN.permute.default,
        _ATEN.pixel_shuffle.default, _ATEN.relu.default, _ATEN.relu6.default, _ATEN.reshape.default,
        _ATEN.slice.Tensor, _ATEN.transpose.int, _ATEN.upsample_nearest2d.vec, _ATEN.view.default,
    }
)  # fmt: skip
_PARTING = frozenset({_ATEN.chunk.default, _ATEN.split.Tensor, _ATEN.split_with_sizes.default})
_CAT = _ATEN.cat.default
_ARITHMETIC = frozenset({_ATEN.add.Tensor, _ATEN.leaky_relu.default, _ATEN.mul.Tensor, _ATEN.sigmoid.default})
_FUSING = frozenset({_ATEN.add.Tensor, _ATEN.conv2d.default, _ATEN.mul.Tensor})
_FIXED: dict[object, Grid] = {_ATEN.sigmoid.default: Grid(scale=2.0**-8, zero_point=-128, low=-128, high=127)}
_LARGEST_MULTIPLIER = 256.0
_LARGEST_BIAS = 2.0**30  # codes of a bias are int32, and sums are added to them


def tflite_plan(graph_module: fx.GraphModule, ranges: Ranges, *, float_layers: Collection[str] = ()) -> Plan:
    """Every layer in int8, but for `float_layers` and what is always zero, and what lies between them."""
    chosen = {
        layer.node: layer
        for layer in layers(graph_module)
        if layer.name not in float_layers and _has_steps(layer, ranges)
    }
    groups = _Groups(graph_module, chosen)
    grids = {node: _grid(members, ranges) for members in groups for node in members}
    plans = {layer.name: _layer_plan(layer, grids, ranges) for layer in chosen.values()}
    if coarse := [layer.name for layer in chosen.values() if _too_coarse(layer, plans[layer.name], grids)]:
        return tflite_plan(graph_module, ranges, float_layers=[*float_layers, *coarse])
    return Plan(
        target="tflite",
        layers=plans,
        outputs={node.name: grids[node] for node in graph_module.graph.nodes if node in grids},
        half_floats=False,
    )


def with_ends(plan: Plan, graph_module: fx.GraphModule, ranges: Ranges) -> Plan:
    """`plan` with int8 codes for input and outputs; `ranges` should cut nothing off, as results are not to be clipped.

    The input is on the grid of the first layer that reads it, so that this costs nothing.
    """
    ends: dict[str, Grid] = {}
    for node in graph_module.graph.nodes:
        if node.op == "placeholder":
            reading = (plan.layers.get(reader.name) for reader in node.users)
            own = next((layer.input for layer in reading if layer is not None and layer.input is not None), None)
            ends[node.name] = own or _whole(node, ranges)
        if node.op == "output":
            for result in node.all_input_nodes:
                own = plan.outputs.get(result.name) or _FIXED.get(result.target)
                ends[result.name] = own or _whole(result, ranges)
    return plan.model_copy(update={"ends": ends})


def _whole(node: fx.Node, ranges: Ranges) -> Grid:
    span = _range(node, ranges)
    return asymmetric_grid(span.low, span.high)


def activation_of(node: fx.Node) -> fx.Node | None:
    """The ReLU or ReLU6 that becomes part of the operation `node`, which it alone reads."""
    readers = list(node.users)
    if node.target not in _FUSING or len(readers) != 1:
        return None
    (reader,) = readers
    limits = reader.args[1:] if reader.target == _ATEN.hardtanh.default else None
    return reader if reader.target in (_ATEN.relu.default, _ATEN.relu6.default) or limits == (0, 6) else None


def operands_of(node: fx.Node) -> tuple[Any, ...]:
    """What an element-by-element operation computes with: nodes and numbers."""
    return node.args[:1] if node.target == _ATEN.leaky_relu.default else node.args


class _Groups:
    """Nodes whose values are codes, in groups that share a grid."""

    def __init__(self, graph_module: fx.GraphModule, chosen: Collection[fx.Node]) -> None:
        self._chosen, self._before_layers = chosen, _before_layers(graph_module)
        self._group_of: dict[fx.Node, list[fx.Node]] = {}
        for node in graph_module.graph.nodes:
            self._place(node)

    def __iter__(self) -> Iterator[list[fx.Node]]:
        """In the order of their first nodes."""
        return iter({id(group): group for group in self._group_of.values()}.values())

    def _place(self, node: fx.Node) -> None:
        absorbed = [source for source in node.all_input_nodes if activation_of(source) is node]
        operation = absorbed[0] if absorbed else node
        if activation_of(node) is not None or not self._computes_codes(operation):
            return
        self._group_of[node] = [node]
        if operation.target in _MOVING:
            self._join(node, _source(operation))
        if operation.target == _CAT:
            for source in operation.all_input_nodes:
                if source in self._group_of and self._group_of[source][0].target not in _FIXED:
                    self._join(node, source)

    def _computes_codes(self, node: fx.Node) -> bool:
        if node in self._chosen:
            return True
        if node not in self._before_layers:
            return False
        if node.target in _MOVING:
            return _source(node) in self._group_of
        if node.target == _CAT:
            return any(source in self._group_of for source in node.all_input_nodes)
        return node.target in _ARITHMETIC and all(operand in self._group_of for operand in operands_of(node))

    def _join(self, node: fx.Node, other: fx.Node) -> None:
        group, larger = self._group_of[node], self._group_of[other]
        if group is not larger:
            larger.extend(group)
            self._group_of.update(dict.fromkeys(group, larger))


def _before_layers(graph_module: fx.GraphModule) -> set[fx.Node]:
    """Nodes that some layer depends on."""
    found: set[fx.Node] = set()
    waiting = [layer.input for layer in layers(graph_module)]
    while waiting:
        if (node := waiting.pop()) not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def _source(node: fx.Node) -> fx.Node:
    """What a moving operation moves: of a part, the whole."""
    source = node.all_input_nodes[0]
    return source.all_input_nodes[0] if source.target in _PARTING else source


def _grid(members: list[fx.Node], ranges: Ranges) -> Grid:
    if (fixed := _FIXED.get(members[0].target)) is not None:
        return fixed
    spans = [_useful_range(node, ranges) for node in members]
    return asymmetric_grid(min(span.low for span in spans), max(span.high for span in spans))


def _useful_range(node: fx.Node, ranges: Ranges) -> Range:
    """What only a leaky ReLU reads has no more room below zero, where its errors shrink, than above.

    Of yolo-fastest-1.1, whose sums reach three times as far below, this takes AP50 from .306 to .317 (float: .353).
    """
    span = _range(node, ranges)
    if {reader.target for reader in node.users} == {_ATEN.leaky_relu.default} and span.high > 0:
        return Range(low=max(span.low, -span.high), high=span.high)
    return span


def _has_steps(layer: Layer, ranges: Ranges) -> bool:
    """Whether neither what it reads nor what it gives is always zero."""
    result = activation_of(layer.node) or layer.node
    spans = [_range(node, ranges) for node in (layer.input, result)]
    return all(span.low < span.high for span in spans)


def _too_coarse(layer: Layer, plan: LayerPlan, grids: dict[fx.Node, Grid]) -> bool:
    """Whether one product of codes is so many steps of the result that XNNPACK refuses the layer."""
    result = grids[activation_of(layer.node) or layer.node]
    assert plan.input is not None
    return max(plan.weight_scales) * plan.input.scale / result.scale >= _LARGEST_MULTIPLIER


def _range(node: fx.Node, ranges: Ranges) -> Range:
    if node.name not in ranges.nodes:
        raise CheckError(f"the calibration has no range of {node.name!r}")
    return ranges.nodes[node.name]


def _layer_plan(layer: Layer, grids: dict[fx.Node, Grid], ranges: Ranges) -> LayerPlan:
    span = _range(layer.input, ranges)
    grid = grids.get(layer.input) or asymmetric_grid(span.low, span.high)
    return LayerPlan(input=grid, weight_scales=_weight_scales(layer, grid))


def _weight_scales(layer: Layer, grid: Grid) -> tuple[float, ...]:
    """The bias is a multiple of weight step x input step: channels of tiny weights get a step that int32 is enough for.

    Channels of zeros can have any step: what their bias needs, or the largest of the others.
    """
    scales = channel_scales(layer.weight)
    alive = layer.weight.flatten(1).any(1).tolist()
    largest = max((scale for scale, lives in zip(scales, alive, strict=True) if lives), default=1.0)
    least = [abs(float(bias)) / (grid.scale * _LARGEST_BIAS) for bias in layer.bias]
    steps = [max(scale if lives else 0.0, low) for scale, lives, low in zip(scales, alive, least, strict=True)]
    return tuple(as_float32(step) if step > 0 else largest for step in steps)
