"""The layers of a captured graph that have weights: what int8 is about."""

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from edgewright_export.sensitivity import LayerKind

_CONV2D = torch.ops.aten.conv2d.default
_LINEAR = torch.ops.aten.linear.default
_GROUPS = 6  # position of conv2d's argument


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer.

    Attributes:
        input: the node whose value it reads.
        weight: (out, in / groups, kh, kw) or (out, in).
        bias: (out,); zeros where the layer has none.
        macs: multiplications per image.
    """

    node: fx.Node
    input: fx.Node
    weight: Tensor
    bias: Tensor
    groups: int
    macs: int

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def depthwise(self) -> bool:
        """One input channel per group."""
        return self.groups > 1 and self.weight.shape[1] == 1

    @property
    def grouped(self) -> bool:
        """In groups of several channels."""
        return self.groups > 1 and not self.depthwise

    @property
    def kind(self) -> LayerKind:
        if self.node.target == _LINEAR:
            return "linear"
        return "depthwise" if self.depthwise else "grouped" if self.grouped else "conv"

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The layer's own operation on other operands."""
        operation: Any = self.node.target
        return operation(x, weight, bias, *self.node.args[3:])

    def exact_dtype(self, largest_code: int) -> torch.dtype:
        """One that has every sum of products of int8 weights and codes: float32 has the integers up to 2^24."""
        return torch.float32 if self.weight[0].numel() * 127 * largest_code <= 2**24 else torch.float64

    def per_channel(self, values: Tensor) -> Tensor:
        """(out,) in a shape that broadcasts over the layer's output."""
        return values.reshape(-1, 1, 1) if self.node.target == _CONV2D else values


def layers(graph_module: fx.GraphModule) -> Iterator[Layer]:
    """In the order of computation; a layer whose weights are not constants of the graph is none."""
    for node in graph_module.graph.nodes:
        if node.target in (_CONV2D, _LINEAR) and node.args[1].op == "get_attr":
            yield _layer(graph_module, node, node.args)


def _layer(graph_module: fx.GraphModule, node: fx.Node, arguments: tuple[Any, ...]) -> Layer:
    weight = _constant(graph_module, arguments[1])
    bias = _constant(graph_module, arguments[2]) if len(arguments) > 2 and arguments[2] is not None else None
    return Layer(
        node=node,
        input=arguments[0],
        weight=weight,
        bias=torch.zeros(len(weight)) if bias is None else bias,
        groups=arguments[_GROUPS] if len(arguments) > _GROUPS else 1,
        macs=math.prod(node.meta["val"].shape) * weight[0].numel(),
    )


def _constant(graph_module: fx.GraphModule, node: fx.Node) -> Tensor:
    value: Tensor = operator.attrgetter(str(node.target))(graph_module)
    return value.detach()
