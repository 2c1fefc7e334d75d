"""New operations in a captured graph."""

from typing import Any

import torch
from torch import fx


def call(graph: fx.Graph, operation: Any, *arguments: Any) -> fx.Node:
    """At the current insertion point, with its shape in `meta["val"]` as captured nodes have it."""
    node = graph.call_function(operation, arguments)
    node.meta["val"] = operation(*fx.map_arg(arguments, _shape_alone))
    return node


def _shape_alone(node: fx.Node) -> torch.Tensor:
    value = node.meta["val"]
    return torch.empty(value.shape, dtype=value.dtype, device="meta")
