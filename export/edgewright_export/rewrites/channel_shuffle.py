"""Channel shuffles: as one operation, whatever a network wrote, and written out again for targets that have none.

Channel i of group g goes to i * groups + g: a view as (groups, channels / groups), an exchange of the two, a view back.
"""

from typing import Any

import torch
from torch import fx

from .call import call

SHUFFLE = torch.ops.aten.channel_shuffle.default
_VIEWS = (torch.ops.aten.view.default, torch.ops.aten.reshape.default)


def join_channel_shuffles(graph_module: fx.GraphModule) -> None:
    """The three operations become one."""
    graph = graph_module.graph
    for node in list(graph.nodes):
        exchanged = _source(node, *_VIEWS)
        grouped = _source(exchanged, torch.ops.aten.transpose.int)
        x = _source(grouped, *_VIEWS)
        if x is None or grouped is None or exchanged is None or {*exchanged.args[1:]} != {1, 2}:
            continue
        shape, (batch, groups, *rest) = _shape(x), _shape(grouped)
        if len(rest) != 3 or [batch, groups * rest[0], *rest[1:]] != shape or _shape(node) != shape:
            continue
        with graph.inserting_before(node):
            node.replace_all_uses_with(call(graph, SHUFFLE, x, groups))


def expand_channel_shuffles(graph_module: fx.GraphModule) -> None:
    """One operation becomes three."""
    graph = graph_module.graph
    for node in graph.find_nodes(op="call_function", target=SHUFFLE):
        arguments: tuple[Any, ...] = node.args
        x, groups = arguments
        batch, channels, height, width = shape = _shape(x)
        with graph.inserting_before(node):
            grouped = call(graph, _VIEWS[0], x, [batch, groups, channels // groups, height, width])
            exchanged = call(graph, torch.ops.aten.transpose.int, grouped, 1, 2)
            node.replace_all_uses_with(call(graph, torch.ops.aten.reshape.default, exchanged, shape))
        graph.erase_node(node)


def _source(node: fx.Node | None, *operations: object) -> fx.Node | None:
    """What `node` works on, when it is one of `operations`."""
    return node.all_input_nodes[0] if node is not None and node.target in operations else None


def _shape(node: fx.Node) -> list[int]:
    return list(node.meta["val"].shape)
