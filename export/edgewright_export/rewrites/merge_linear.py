"""Merge a linear 1x1 convolution into its 1x1 readers: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2).

Exact up to float rounding, computed in float64.  Done only where it saves multiplications.
"""

from dataclasses import replace

import torch
from torch import fx

from .convolution import Convolution, read_convolution, replace_by_convolution


def merge_linear_convolutions(graph_module: fx.GraphModule) -> None:
    """The first may be grouped; what it merges into may not."""
    graph = graph_module.graph
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.conv2d.default):
        first = read_convolution(graph_module, node)
        readers = {user: read_convolution(graph_module, user) for user in node.users}
        mergeable = {user: c for user, c in readers.items() if c is not None and c.is_pointwise and c.groups == 1}
        if first is None or not first.is_pointwise or not mergeable or len(mergeable) != len(readers):
            continue
        merged = {user: _merge(first, reader) for user, reader in mergeable.items()}
        if _multiplications(*merged.values()) > _multiplications(first, *mergeable.values()):
            continue
        for user, convolution in merged.items():
            replace_by_convolution(graph_module, user, convolution)
        graph.erase_node(node)


def _merge(first: Convolution, second: Convolution) -> Convolution:
    w1, w2 = first.dense_weight()[:, :, 0, 0], second.weight[:, :, 0, 0]
    bias = second.bias
    if first.bias is not None:
        bias = w2 @ first.bias if bias is None else w2 @ first.bias + bias
    return replace(second, x=first.x, weight=(w2 @ w1)[:, :, None, None], bias=bias)


def _multiplications(*convolutions: Convolution) -> int:
    """Per output position."""
    return sum(convolution.weight.numel() for convolution in convolutions)
