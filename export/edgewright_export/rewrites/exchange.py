"""Exchanges of the channels with the rows (axis 2) or columns (3), and the removal of those that undo each other."""

import torch
from torch import fx

from .call import call

_TRANSPOSE = torch.ops.aten.transpose.int


def exchange(x: fx.Node, axis: int) -> fx.Node:
    """A new node at the current insertion point."""
    return call(x.graph, _TRANSPOSE, x, 1, axis)


def cancel_exchanges(graph_module: fx.GraphModule) -> None:
    """An exchange of an exchanged axis is what was there before."""
    for node in graph_module.graph.find_nodes(op="call_function", target=_TRANSPOSE):
        source = node.args[0]
        if source.target is _TRANSPOSE and _axes(node) == _axes(source):
            node.replace_all_uses_with(source.args[0])


def _axes(node: fx.Node) -> set[int]:
    rank = node.meta["val"].dim()
    return {axis % rank for axis in node.args[1:]}
