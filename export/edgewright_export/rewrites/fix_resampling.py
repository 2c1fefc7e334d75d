"""Average pooling to a given size, in the form that the sizes of this export allow.

- same size: nothing; one element: the mean; windows all alike: an ordinary pool.
- windows that repeat every few elements, such as 3 to 2: a depthwise convolution makes the elements of one period side
  by side as channels, a pixel shuffle puts them in their places.
- any other: a product with a constant matrix per axis, A_h x A_w^T.

Runtimes do not have adaptive pooling, or converters unroll it into one operation per output element.  Interpolation
between the corners stays: every target has it.
"""

import math

import torch
from torch import fx

from .constants import add_constant
from .resampling import Resampling, read_resampling

_LARGEST_PERIOD = 3  # of outputs; the convolution has its square of filters per channel


def fix_resampling(graph_module: fx.GraphModule) -> None:
    graph = graph_module.graph
    for node in list(graph.nodes):
        resampling = read_resampling(node)
        if resampling is None:
            continue
        with graph.inserting_before(node):
            new = _fixed(graph_module, resampling)
        if new is None:
            continue
        new.meta.setdefault("val", node.meta["val"])
        node.replace_all_uses_with(new)
        graph.erase_node(node)


def _fixed(graph_module: fx.GraphModule, resampling: Resampling) -> fx.Node | None:
    graph, x = graph_module.graph, resampling.x
    if resampling.from_hw == resampling.to_hw:
        return x
    if resampling.method == "bilinear":
        return None
    if resampling.to_hw == (1, 1):
        return graph.call_function(torch.ops.aten.mean.dim, (x, [2, 3], True))
    ratios = [_ratio(*sizes) for sizes in zip(resampling.from_hw, resampling.to_hw, strict=True)]
    if all(result == 1 for _, result in ratios):
        window = [source for source, _ in ratios]
        return graph.call_function(torch.ops.aten.avg_pool2d.default, (x, window, window))
    if ratios[0] == ratios[1] and ratios[0][1] <= _LARGEST_PERIOD:
        return _periodic(graph_module, resampling, *ratios[0])
    return _matrices(graph_module, resampling)


def _ratio(source: int, result: int) -> tuple[int, int]:
    divisor = math.gcd(source, result)
    return source // divisor, result // divisor


def _periodic(graph_module: fx.GraphModule, resampling: Resampling, source: int, result: int) -> fx.Node:
    """`source` elements become `result`, along both axes and from the start of every period."""
    graph, channels = graph_module.graph, resampling.x.meta["val"].shape[1]
    period = Resampling(resampling.x, "average", (source, source), (result, result)).matrix(0)
    filters = torch.einsum("ay,bx->abyx", period, period).reshape(-1, 1, source, source).repeat(channels, 1, 1, 1)
    weight = add_constant(graph_module, "average", filters)
    arguments = (resampling.x, weight, None, [source, source], [0, 0], [1, 1], channels)
    pooled = graph.call_function(torch.ops.aten.conv2d.default, arguments)
    return graph.call_function(torch.ops.aten.pixel_shuffle.default, (pooled, result))


def _matrices(graph_module: fx.GraphModule, resampling: Resampling) -> fx.Node:
    """Rows first: NCNN is slow at the columns of a large map."""
    graph, x = graph_module.graph, resampling.x
    if resampling.from_hw[0] != resampling.to_hw[0]:
        rows = add_constant(graph_module, "rows", resampling.matrix(0))
        x = graph.call_function(torch.ops.aten.matmul.default, (rows, x))
    if resampling.from_hw[1] != resampling.to_hw[1]:
        columns = add_constant(graph_module, "columns", resampling.matrix(1).T)
        x = graph.call_function(torch.ops.aten.matmul.default, (x, columns))
    return x
