"""Another order of channels: given by the convolutions that make them, taken back by the convolutions that mix them.

An order says which channel, by its old number, stands at each place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx

from .convolution import Convolution, read_convolution, replace_by_convolution

Order = tuple[int, ...]

_aten = torch.ops.aten
_OF_ONE_VALUE = frozenset({
    _aten.relu.default, _aten.relu6.default, _aten.leaky_relu.default, _aten.hardtanh.default, _aten.clamp.default,
    _aten.sigmoid.default, _aten.silu.default, _aten.hardswish.default, _aten.hardsigmoid.default, _aten.mish.default,
})  # fmt: skip
_PER_CHANNEL = _OF_ONE_VALUE | {
    _aten.max_pool2d.default, _aten.avg_pool2d.default, _aten.upsample_nearest2d.vec, _aten.upsample_bilinear2d.vec,
}  # fmt: skip


@dataclass(frozen=True)
class Reordering:
    """Of one convolution's channels; None: they stay.  A depthwise one has a single order."""

    inputs: Order | None = None
    outputs: Order | None = None

    def of(self, convolution: Convolution) -> Convolution:
        """The convolution whose weights have changed places."""
        weight, bias = convolution.weight, convolution.bias
        if self.inputs is not None and not _is_depthwise(convolution):
            weight = weight[:, list(self.inputs)]
        if (rows := self.inputs if _is_depthwise(convolution) else self.outputs) is not None:
            weight, bias = weight[list(rows)], None if bias is None else bias[list(rows)]
        return replace(convolution, weight=weight, bias=bias)


def free_producer(graph_module: fx.GraphModule, value: fx.Node) -> fx.Node | None:
    """The convolution whose channels `value` has, when it can give them in any order that `value`'s readers take."""
    node = value
    if len(value.users) > 1:
        return None
    while node.target in _OF_ONE_VALUE and len(node.all_input_nodes) == 1:
        node = node.all_input_nodes[0]
        if len(node.users) > 1:
            return None
    return node if is_dense_convolution(graph_module, node) else None


def is_dense_convolution(graph_module: fx.GraphModule, node: fx.Node) -> bool:
    convolution = read_convolution(graph_module, node)
    return convolution is not None and convolution.groups == 1


def follow(graph_module: fx.GraphModule, value: fx.Node, order: Order) -> dict[fx.Node, Reordering] | None:
    """What the convolutions that `value` reaches have to do, so that nothing else notices its `order`.

    None when something else does: an output, or an operation that is not known to keep channels apart.
    """
    orders, changes = {value: order}, dict[fx.Node, Reordering]()
    for node in value.graph.nodes:  # in the order of computation
        if node is value or not any(source in orders for source in node.all_input_nodes):
            continue
        convolution = read_convolution(graph_module, node)
        if convolution is not None and (convolution.groups == 1 or _is_depthwise(convolution)):
            changes[node] = Reordering(inputs=orders[convolution.x])
            if convolution.groups == 1:
                continue
        behind = _order_behind(node, orders)
        if behind is None:
            return None
        orders[node] = behind
    return changes


def reorder(graph_module: fx.GraphModule, changes: Mapping[fx.Node, Reordering]) -> None:
    for node, change in changes.items():
        convolution = read_convolution(graph_module, node)
        assert convolution is not None
        replace_by_convolution(graph_module, node, change.of(convolution))


def _order_behind(node: fx.Node, orders: Mapping[fx.Node, Order]) -> Order | None:
    arguments: tuple[Any, ...] = node.args
    if node.target in _PER_CHANNEL or node.target is _aten.conv2d.default:
        return orders.get(arguments[0])
    if node.target is _aten.cat.default and arguments[1:] == (1,):
        return _joined(arguments[0], orders)
    if node.target is _aten.add.Tensor and len({orders.get(each) for each in arguments}) == 1:
        return orders[arguments[0]]
    return None


def _joined(values: list[fx.Node], orders: Mapping[fx.Node, Order]) -> Order:
    places: list[int] = []
    for value in values:
        num_channels = value.meta["val"].shape[1]
        places += [len(places) + place for place in orders.get(value, range(num_channels))]
    return tuple(places)


def _is_depthwise(convolution: Convolution) -> bool:
    return 1 < convolution.groups == convolution.in_channels == convolution.out_channels
