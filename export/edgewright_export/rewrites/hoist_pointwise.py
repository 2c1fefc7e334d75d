"""Compute a 1x1 convolution before an upsampling rather than behind it: W up(x) = up(W x).

Upsampling by the nearest or by interpolation takes weights that sum to 1 from each channel by itself, so that it may
change places with what mixes channels, bias included.  Behind a concatenation, where feature pyramids have it, the
convolution is a sum over the parts: W [up(x), y] + b = up(Wx x) + (Wy y + b).
Exact up to float rounding, computed in float64.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx

from .call import call
from .convolution import Convolution, convolve, read_convolution

_UPSAMPLINGS = (
    torch.ops.aten.upsample_nearest2d.vec,
    torch.ops.aten.upsample_bilinear2d.vec,
)
# A sum costs a reading, an addition and a writing of each value, for which as many products have to be saved.
_FEWEST_SAVED = 16


@dataclass(frozen=True)
class _Part:
    """Of the convolution's input, with the columns of its weight."""

    value: fx.Node
    weight: Tensor

    @property
    def saved(self) -> float:
        """Products per value of the result."""
        return self.weight.shape[1] * (1 - 1 / _enlargement(self.value))


def hoist_pointwise_convolutions(graph_module: fx.GraphModule) -> None:
    graph = graph_module.graph
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.conv2d.default):
        convolution = read_convolution(graph_module, node)
        if convolution is None or not convolution.is_pointwise or convolution.groups != 1:
            continue
        with graph.inserting_before(node):
            hoisted = _hoisted(graph_module, convolution)
        if hoisted is not None:
            node.replace_all_uses_with(hoisted)
            graph.erase_node(node)


def _hoisted(graph_module: fx.GraphModule, convolution: Convolution) -> fx.Node | None:
    """None where it stays as it is."""
    if _enlarges(convolution.x):
        return _upsampled(graph_module, convolution, _Part(convolution.x, convolution.weight), convolution.bias)
    parts = _parts(convolution)
    small = [part for part in parts if _enlarges(part.value) and part.saved >= _FEWEST_SAVED]
    if not small:
        return None
    rest = [part for part in parts if part not in small]
    graph, result, bias = convolution.x.graph, None, convolution.bias
    if rest:
        joined = rest[0].value
        if len(rest) > 1:
            joined = call(graph, torch.ops.aten.cat.default, [part.value for part in rest], 1)
        weight = torch.cat([part.weight for part in rest], 1)
        result, bias = convolve(graph_module, replace(convolution, x=joined, weight=weight)), None
    for part in small:
        value, bias = _upsampled(graph_module, convolution, part, bias), None
        result = value if result is None else call(graph, torch.ops.aten.add.Tensor, result, value)
    return result


def _upsampled(graph_module: fx.GraphModule, convolution: Convolution, part: _Part, bias: Tensor | None) -> fx.Node:
    arguments: tuple[Any, ...] = part.value.args
    small = convolve(graph_module, replace(convolution, x=arguments[0], weight=part.weight, bias=bias))
    return call(part.value.graph, part.value.target, small, *arguments[1:])


def _parts(convolution: Convolution) -> list[_Part]:
    """Of a concatenation of channels; of anything else, none."""
    node = convolution.x
    if node.target is not torch.ops.aten.cat.default or node.args[1:] != (1,):
        return []
    values: Any = node.args[0]
    weights = torch.split(convolution.weight, [value.meta["val"].shape[1] for value in values], 1)
    return [_Part(value, weight) for value, weight in zip(values, weights, strict=True)]


def _enlarges(node: fx.Node) -> bool:
    return node.target in _UPSAMPLINGS and not node.kwargs and _enlargement(node) > 1


def _enlargement(upsampling: fx.Node) -> float:
    """Places behind it by places before it."""
    before, after = (node.meta["val"].shape[2:].numel() for node in (*upsampling.all_input_nodes, upsampling))
    return float(after / before)
