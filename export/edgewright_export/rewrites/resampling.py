"""Resamplings of a captured graph as values, and as the constant matrices that they are along each axis."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, fx
from torch.nn import functional as F

Sizes = tuple[int, int]

_METHODS: dict[object, Literal["average", "bilinear"]] = {
    torch.ops.aten.adaptive_avg_pool2d.default: "average",
    torch.ops.aten.upsample_bilinear2d.vec: "bilinear",
}


@dataclass(frozen=True)
class Resampling:
    """Adaptive average pooling of `x`, or interpolation between its corners.  Sizes are (height, width)."""

    x: fx.Node
    method: Literal["average", "bilinear"]
    from_hw: Sizes
    to_hw: Sizes

    def matrix(self, axis: Literal[0, 1]) -> Tensor:
        """(to, from), float64: what each row (axis 0) or column (1) of the result takes from those of `x`."""
        source, result = self.from_hw[axis], self.to_hw[axis]
        identity = torch.eye(source, dtype=torch.float64)
        if self.method == "average":
            return F.adaptive_avg_pool1d(identity[None], result)[0].T
        return F.interpolate(identity[None], result, mode="linear", align_corners=True)[0].T


def read_resampling(node: object) -> Resampling | None:
    """None for anything else, and for interpolation between the centres of pixels."""
    if not isinstance(node, fx.Node) or node.target not in _METHODS:
        return None
    method = _METHODS[node.target]
    if method == "bilinear" and not node.args[2]:
        return None
    x = node.args[0]
    assert isinstance(x, fx.Node)
    return Resampling(x, method, size_hw(x), size_hw(node))


def size_hw(node: fx.Node) -> Sizes:
    height, width = node.meta["val"].shape[-2:]
    return height, width
