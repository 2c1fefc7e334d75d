"""Chains of operations on codes: which values of a graph are codes, and which of them share a grid."""

import operator
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import fx

from .grid import Grid
from .layers import layers

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
_UNARY = frozenset({_ATEN.avg_pool2d.default, _ATEN.leaky_relu.default, _ATEN.sigmoid.default})
_FUSING = frozenset({_ATEN.add.Tensor, _ATEN.conv2d.default, _ATEN.mul.Tensor})
# Operations whose results span the same for every network.
FIXED: dict[object, Grid] = {_ATEN.sigmoid.default: Grid(scale=2.0**-8, zero_point=-128, low=-128, high=127)}

_Cut = Literal["nothing", "below zero", "to six"]  # of values, by an activation


@dataclass(frozen=True)
class Rules:
    """What a target's kernels can do with codes.

    Attributes:
        arithmetic: operations that compute codes from codes, with a grid of their own.
        activations_are_grids: an activation that is part of another operation is nothing but the ends of its result's
            grid.  Values that are not cut off in the same way then cannot share it.
    """

    arithmetic: frozenset[object]
    activations_are_grids: bool


def activation_of(node: fx.Node) -> fx.Node | None:
    """The ReLU or ReLU6 that becomes part of the operation `node`, which it alone reads."""
    readers = list(node.users)
    if node.target not in _FUSING or len(readers) != 1:
        return None
    (reader,) = readers
    limits = reader.args[1:] if reader.target == _ATEN.hardtanh.default else None
    return reader if reader.target in (_ATEN.relu.default, _ATEN.relu6.default) or limits == (0, 6) else None


def operands_of(node: fx.Node) -> tuple[Any, ...]:
    """What an arithmetic operation computes with: nodes and numbers."""
    return node.args[:1] if node.target in _UNARY else node.args


class Groups:
    """Nodes whose values are codes, in groups that share a grid.  `chosen`: the layers that are in int8."""

    def __init__(self, graph_module: fx.GraphModule, chosen: Collection[fx.Node], rules: Rules) -> None:
        self._chosen, self._rules, self._before_layers = chosen, rules, before_layers(graph_module)
        self._group_of: dict[fx.Node, list[fx.Node]] = {}
        self._cuts: dict[fx.Node, _Cut] = {}
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
        self._cuts[node] = self._cut(node, operation)
        if operation.target in _MOVING:
            self._join(node, _source(operation))
        if operation.target == _CAT:
            for source in operation.all_input_nodes:
                if source in self._group_of and self._can_share(source, node):
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
        arithmetic = node.target in self._rules.arithmetic
        return arithmetic and all(operand in self._group_of for operand in operands_of(node))

    def _cut(self, node: fx.Node, operation: fx.Node) -> _Cut:
        if operation is not node:
            return "below zero" if node.target == _ATEN.relu.default else "to six"
        if operation.target in _MOVING:
            return self._cuts[_source(operation)]
        if operation.target == _CAT:
            whole = any(self._cuts.get(source, "nothing") == "nothing" for source in operation.all_input_nodes)
            return "nothing" if whole else "below zero"
        return "nothing"

    def _can_share(self, source: fx.Node, node: fx.Node) -> bool:
        if self._group_of[source][0].target in FIXED:
            return False
        return not self._rules.activations_are_grids or self._cuts[source] == self._cuts[node]

    def _join(self, node: fx.Node, other: fx.Node) -> None:
        group, larger = self._group_of[node], self._group_of[other]
        if group is not larger:
            larger.extend(group)
            self._group_of.update(dict.fromkeys(group, larger))


def before_layers(graph_module: fx.GraphModule) -> set[fx.Node]:
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
