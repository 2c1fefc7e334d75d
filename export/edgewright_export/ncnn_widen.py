"""Depthwise 3x3 convolutions of stride 2 become 5x5 where NCNN's kernel for them is wrong in half precision.

`convdw3x3s2_pack8_fp16sa_neon` (convolutiondepthwise_3x3_pack8_fp16s.h of ncnn 1.0.20261020, for ARM CPUs with
half-precision arithmetic) computes four columns of a row at a time, then two, then one.  For the two it takes the last
pixel of the window's second and third row from its first row.  So it is wrong in one column of maps whose width leaves
2 or 3 when divided by 4; in YOLO-FastestV2 at 352x352 in four layers, by which the cosine of its outputs falls to
0.9997.  With a border of zeros around the window, and as much padding more, all products are the same, and NCNN takes
its kernel for 5x5, which is right.
"""

from typing import Any

import torch
from torch import fx
from torch.nn.functional import pad

from .rewrites.constants import add_constant
from .rewrites.convolution import Convolution, read_convolution

WIDEN = "widen-strided-depthwise"
_LANES = 8  # channels that the kernel computes side by side
_COLUMNS, _WRONG_FROM = 4, 2


def widen_strided_depthwise(graph_module: fx.GraphModule) -> tuple[str, ...]:
    """Its name, if there was anything to do.  Nodes keep theirs."""
    found = False
    for node in graph_module.graph.find_nodes(op="call_function", target=torch.ops.aten.conv2d.default):
        convolution = read_convolution(graph_module, node)
        if convolution is not None and _is_computed_wrongly(convolution, node.meta["val"].shape[3]):
            _widen(graph_module, node, convolution)
            found = True
    if found:
        graph_module.recompile()
    return (WIDEN,) if found else ()


def _is_computed_wrongly(convolution: Convolution, width: int) -> bool:
    """`width`: of what it gives."""
    channels = convolution.groups
    is_depthwise = channels == convolution.in_channels == convolution.out_channels
    window = (tuple(convolution.weight.shape[2:]), convolution.stride, convolution.dilation)
    return (
        is_depthwise
        and channels % _LANES == 0
        and window == ((3, 3), (2, 2), (1, 1))
        and width % _COLUMNS >= _WRONG_FROM
    )


def _widen(graph_module: fx.GraphModule, node: fx.Node, convolution: Convolution) -> None:
    arguments: tuple[Any, ...] = node.args
    with graph_module.graph.inserting_before(node):
        weight = add_constant(graph_module, f"{node.name}_weight", pad(convolution.weight, (1, 1, 1, 1)))
    padding = [side + 1 for side in convolution.padding]
    node.args = (
        arguments[0], weight, arguments[2] if len(arguments) > 2 else None,
        list(convolution.stride), padding, list(convolution.dilation), convolution.groups,
    )  # fmt: skip
