"""Resampling of an axis that changes places with the channels, beside the exchange, is a 1x1 convolution behind it.

DiCENet's convolutions along rows and columns: resample the rows, exchange rows and channels, convolve, and back again.
"""

from typing import Literal

import torch
from torch import fx

from .convolution import Convolution, replace_by_convolution
from .resampling import Resampling, read_resampling

_TRANSPOSE = torch.ops.aten.transpose.int


def resample_channels(graph_module: fx.GraphModule) -> None:
    graph = graph_module.graph
    for node in list(graph.nodes):
        resampling = read_resampling(node)
        axis = None if resampling is None else _changed_axis(resampling)
        if resampling is None or axis is None:
            continue
        users = list(node.users)
        if len(users) == 1 and _exchanges(users[0], axis):
            with graph.inserting_before(node):
                exchanged = graph.call_function(_TRANSPOSE, (resampling.x, 1, axis))
            replace_by_convolution(graph_module, users[0], _along_channels(exchanged, resampling, axis))
            graph.erase_node(node)
        elif _exchanges(resampling.x, axis):
            before = resampling.x.all_input_nodes[0]
            with graph.inserting_after(node):
                exchanged = graph.call_function(_TRANSPOSE, (node, 1, axis))
            exchanged.meta["val"] = node.meta["val"]
            node.replace_all_uses_with(exchanged, delete_user_cb=lambda user, kept=exchanged: user is not kept)
            replace_by_convolution(graph_module, node, _along_channels(before, resampling, axis))


def _changed_axis(resampling: Resampling) -> Literal[2, 3] | None:
    """The only one whose size changes."""
    (from_h, from_w), (to_h, to_w) = resampling.from_hw, resampling.to_hw
    if (from_h == to_h) == (from_w == to_w):
        return None
    return 2 if from_w == to_w else 3


def _exchanges(node: fx.Node, axis: int) -> bool:
    return node.target is _TRANSPOSE and {a % 4 for a in node.args[1:]} == {1, axis}  # type: ignore[operator]


def _along_channels(x: fx.Node, resampling: Resampling, axis: Literal[2, 3]) -> Convolution:
    matrix = resampling.matrix(0 if axis == 2 else 1)
    return Convolution(x, matrix[:, :, None, None], None, (1, 1), (0, 0), (1, 1), 1)
