"""A 2D convolution of a captured graph as a value: read from its node, changed, and put in another's place."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from .call import call
from .constants import add_constant, is_constant, read_constant

_DEFAULTS = (None, [1, 1], [0, 0], [1, 1], 1)  # bias, stride, padding, dilation, groups


@dataclass(frozen=True)
class Convolution:
    """`weight`: (out, in / groups, kh, kw); `bias`: (out) or None; float64, so that a change rounds only once."""

    x: fx.Node
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @property
    def in_channels(self) -> int:
        return self.weight.shape[1] * self.groups

    @property
    def out_channels(self) -> int:
        return self.weight.shape[0]

    @property
    def is_pointwise(self) -> bool:
        """1x1, stride 1, unpadded; any number of groups."""
        return self.weight.shape[2:] == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0)

    def dense_weight(self) -> Tensor:
        """(out, in, kh, kw): the weight with the zeros between groups written out."""
        dense = self.weight.new_zeros(self.out_channels, self.in_channels, *self.weight.shape[2:])
        rows, columns = self.out_channels // self.groups, self.weight.shape[1]
        for group in range(self.groups):
            row, column = group * rows, group * columns
            dense[row : row + rows, column : column + columns] = self.weight[row : row + rows]
        return dense


def read_convolution(graph_module: fx.GraphModule, node: object) -> Convolution | None:
    """None unless `node` is a 2D convolution with constant weights and numeric padding."""
    if not isinstance(node, fx.Node) or node.target is not torch.ops.aten.conv2d.default:
        return None
    arguments: tuple[Any, ...] = node.args
    arguments += _DEFAULTS[len(arguments) - 2 :]
    x, weight, bias, stride, padding, dilation, groups = arguments
    if not is_constant(weight) or not (bias is None or is_constant(bias)):
        return None
    return Convolution(
        x,
        read_constant(graph_module, weight).double(),
        None if bias is None else read_constant(graph_module, bias).double(),
        tuple(stride),
        tuple(padding),
        tuple(dilation),
        groups,
    )


def replace_by_convolution(graph_module: fx.GraphModule, node: fx.Node, convolution: Convolution) -> None:
    """Everything that read `node` reads the convolution.  It gets weights of its own: others may share the old."""
    with graph_module.graph.inserting_before(node):
        new = convolve(graph_module, convolution, node.name)
    node.replace_all_uses_with(new)
    graph_module.graph.erase_node(node)


def convolve(graph_module: fx.GraphModule, convolution: Convolution, name: str = "conv2d") -> fx.Node:
    """At the current insertion point; `name` is that of its weights."""
    weight = add_constant(graph_module, f"{name}_weight", convolution.weight)
    bias = None
    if convolution.bias is not None:
        bias = add_constant(graph_module, f"{name}_bias", convolution.bias)
    options = *map(list, (convolution.stride, convolution.padding, convolution.dilation)), convolution.groups
    return call(graph_module.graph, torch.ops.aten.conv2d.default, convolution.x, weight, bias, *options)
