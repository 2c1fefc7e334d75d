"""A captured graph computed as an ARM CPU with half-precision arithmetic does: sums of products included.

Every product is added to a sum in half precision, one rounding each, in the order of the weights; then what every other
operation gives is rounded.  This is the most that half precision may change: a kernel that is further off is wrong.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx
from torch.nn.functional import pad

from edgewright_export.half import HalfButFor

_CONV2D = torch.ops.aten.conv2d.default


def run_in_half(
    graph_module: fx.GraphModule, names: tuple[str, ...], image: Tensor
) -> Mapping[str, NDArray[np.float32]]:
    """The outputs by name, (channels, height, width), of one normalised image."""
    for node in graph_module.graph.find_nodes(op="call_function", target=_CONV2D):
        node.target = convolve_in_half
    graph_module.recompile()
    with torch.no_grad():
        outputs = HalfButFor(graph_module, ())(image)
    return {name: output[0].numpy() for name, output in zip(names, outputs, strict=True)}


def convolve_in_half(
    x: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: tuple[int, int] = (1, 1), padding: tuple[int, int] = (0, 0), dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """As `conv2d`, all in half precision."""
    out, depth, height, width = weight.shape
    columns = pad(x, (padding[1], padding[1], padding[0], padding[0]))
    rows = [(columns.shape[axis] - reach) // step + 1 for axis, reach, step in (
        (2, dilation[0] * (height - 1) + 1, stride[0]), (3, dilation[1] * (width - 1) + 1, stride[1]),
    )]  # fmt: skip
    grouped = columns.view(len(x), groups, depth, *columns.shape[2:])
    kernels = weight.view(groups, out // groups, depth, height, width)
    start = torch.zeros(out, dtype=torch.half) if bias is None else bias
    total: Any = start.view(1, groups, out // groups, 1, 1).expand(len(x), -1, -1, *rows)
    for channel in range(depth):
        for i in range(height):
            for j in range(width):
                y, z = i * dilation[0], j * dilation[1]
                seen = grouped[:, :, channel : channel + 1, y:, z:][..., :: stride[0], :: stride[1]]
                total = torch.addcmul(
                    total, seen[..., : rows[0], : rows[1]], kernels[None, :, :, channel, i, j, None, None]
                )
    return total.reshape(len(x), out, *rows)
