"""Weights and buffers of a captured graph: reading them, and adding new ones.  None is ever changed in place."""

from typing import cast

import torch
from torch import Tensor, fx


def read_constant(graph_module: fx.GraphModule, node: fx.Node) -> Tensor:
    """The value of a weight or buffer node."""
    assert is_constant(node)
    value: object = graph_module
    for part in str(node.target).split("."):
        value = getattr(value, part)
    return cast("Tensor", value).detach()


def is_constant(argument: object) -> bool:
    return isinstance(argument, fx.Node) and argument.op == "get_attr"


def add_constant(graph_module: fx.GraphModule, name: str, value: Tensor) -> fx.Node:
    """A new float32 buffer, as a node at the current insertion point; `name` is made unique."""
    free, count = name, 0
    while hasattr(graph_module, free):
        count += 1
        free = f"{name}_{count}"
    graph_module.register_buffer(free, value.to(torch.float32).contiguous())
    node = graph_module.graph.get_attr(free)
    node.meta["val"] = getattr(graph_module, free)
    return node
