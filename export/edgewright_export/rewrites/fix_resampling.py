"""Resampling to a given size, in the form that the sizes of this export allow.

Average pooling: to the same size, nothing; to one element, the mean; with windows all alike, an ordinary pool; with
windows that repeat every few elements, such as 3 to 2, a depthwise convolution that makes the results of one period
side by side as channels, and a pixel shuffle.  Otherwise a constant matrix per axis, as a 1x1 convolution with that
axis in the channels' place.  Runtimes do not have adaptive pooling, or converters unroll it, an operation per element.

Interpolation between the corners stays, for every target has it, unless a single axis changes: that is DiCENet, which
exchanges this very axis with the channels before and behind it, and the exchanges cancel out.
"""

import math

import torch
from torch import fx

from .call import call
from .constants import add_constant
from .exchange import exchange
from .resampling import Axis, Resampling, read_resampling

_LARGEST_PERIOD = 3  # of results; the convolution has its square of filters per channel


def fix_resampling(graph_module: fx.GraphModule) -> None:
    graph = graph_module.graph
    for node in list(graph.nodes):
        resampling = read_resampling(node)
        if resampling is None:
            continue
        with graph.inserting_before(node):
            fixed = _fixed(graph_module, resampling)
        if fixed is None:
            continue
        node.replace_all_uses_with(fixed)
        graph.erase_node(node)


def _fixed(graph_module: fx.GraphModule, resampling: Resampling) -> fx.Node | None:
    """None where it stays as it is."""
    graph, x, axes = graph_module.graph, resampling.x, resampling.changed_axes
    if not axes:
        return x
    if resampling.method == "bilinear":
        return _along_axes(graph_module, resampling) if len(axes) == 1 else None
    if resampling.to_hw == (1, 1):
        return call(graph, torch.ops.aten.mean.dim, x, [2, 3], True)
    windows = [_common_window(*resampling.sizes(axis)) for axis in (2, 3)]
    if all(windows):
        kernel, stride = (list(values) for values in zip(*(w for w in windows if w), strict=True))
        return call(graph, torch.ops.aten.avg_pool2d.default, x, kernel, stride)
    period, other = (_period(*resampling.sizes(axis)) for axis in (2, 3))
    if period == other and period[1] <= _LARGEST_PERIOD:
        return _periodic(graph_module, x, *period)
    return _along_axes(graph_module, resampling)


def _common_window(source: int, result: int) -> tuple[int, int] | None:
    """(size, distance) of the windows, when all are of one size and evenly apart."""
    windows = [(i * source // result, -(-(i + 1) * source // result)) for i in range(result)]
    size, distance = windows[0][1], windows[1][0] if result > 1 else 1
    alike = all(window == (i * distance, i * distance + size) for i, window in enumerate(windows))
    return (size, distance) if alike else None


def _period(source: int, result: int) -> tuple[int, int]:
    divisor = math.gcd(source, result)
    return source // divisor, result // divisor


def _periodic(graph_module: fx.GraphModule, x: fx.Node, source: int, result: int) -> fx.Node:
    """`source` elements become `result`, along both axes and from the start of every period."""
    graph, channels = graph_module.graph, x.meta["val"].shape[1]
    matrix = Resampling(x, "average", (source, source), (result, result)).matrix(2)
    filters = torch.einsum("ay,bx->abyx", matrix, matrix).reshape(-1, 1, source, source).repeat(channels, 1, 1, 1)
    weight = add_constant(graph_module, "average_filters", filters)
    options = (None, [source, source], [0, 0], [1, 1], channels)
    pooled = call(graph, torch.ops.aten.conv2d.default, x, weight, *options)
    return call(graph, torch.ops.aten.pixel_shuffle.default, pooled, result)


def _along_axes(graph_module: fx.GraphModule, resampling: Resampling) -> fx.Node:
    x = resampling.x
    for axis in resampling.changed_axes:
        x = _along_axis(graph_module, x, resampling, axis)
    return x


def _along_axis(graph_module: fx.GraphModule, x: fx.Node, resampling: Resampling, axis: Axis) -> fx.Node:
    weight = add_constant(graph_module, f"{resampling.method}_matrix", resampling.matrix(axis)[:, :, None, None])
    convolved = call(graph_module.graph, torch.ops.aten.conv2d.default, exchange(x, axis), weight)
    return exchange(convolved, axis)
