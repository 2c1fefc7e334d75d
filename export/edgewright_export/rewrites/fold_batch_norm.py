"""Fold a batch norm into the convolution before it: s (W x + b - mean) + beta = (s W) x + (s (b - mean) + beta).

A norm behind anything else, such as a concatenation, stays.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx

from .constants import read_constant
from .convolution import read_convolution, replace_by_convolution


def fold_batch_norms(graph_module: fx.GraphModule) -> None:
    """Where nothing else reads the convolution."""
    graph = graph_module.graph
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.batch_norm.default):
        arguments: tuple[Any, ...] = node.args
        source, *statistics, training, _, epsilon, _ = arguments
        convolution = read_convolution(graph_module, source)
        if convolution is None or len(source.users) > 1 or training:
            continue
        gamma, beta, mean, variance = (_read(graph_module, constant) for constant in statistics)
        assert mean is not None
        assert variance is not None
        scale = (variance + epsilon).rsqrt()
        if gamma is not None:
            scale = scale * gamma
        bias = -mean if convolution.bias is None else convolution.bias - mean
        bias = bias * scale if beta is None else bias * scale + beta
        folded = replace(convolution, weight=convolution.weight * scale.reshape(-1, 1, 1, 1), bias=bias)
        replace_by_convolution(graph_module, node, folded)
        graph.erase_node(source)


def _read(graph_module: fx.GraphModule, constant: fx.Node | None) -> Tensor | None:
    """In float64, so that what is made of it rounds once."""
    return None if constant is None else read_constant(graph_module, constant).double()
