"""Resamplings of a captured graph as values, and as the constant matrices that they are along each axis."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, fx
from torch.nn import functional as F

Axis = Literal[2, 3]  # rows, columns of (N, C, H, W)

_METHODS: dict[object, Literal["average", "bilinear"]] = {
    torch.ops.aten.adaptive_avg_pool2d.default: "average",
    torch.ops.aten.upsample_bilinear2d.vec: "bilinear",
}


@dataclass(frozen=True)
class Resampling:
    """Adaptive average pooling of `x`, or interpolation between its corners.  Sizes are (height, width)."""

    x: fx.Node
    method: Literal["average", "bilinear"]
    from_hw: tuple[int, int]
    to_hw: tuple[int, int]

    @property
    def changed_axes(self) -> list[Axis]:
        axes: tuple[Axis, Axis] = (2, 3)
        return [axis for axis in axes if self.from_hw[axis - 2] != self.to_hw[axis - 2]]

    def sizes(self, axis: Axis) -> tuple[int, int]:
        """(from, to)."""
        return self.from_hw[axis - 2], self.to_hw[axis - 2]

    def matrix(self, axis: Axis) -> Tensor:
        """(to, from), float64: what each row or column of the result takes from those of `x`."""
        source, result = self.sizes(axis)
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
    return Resampling(x, method, _size_hw(x), _size_hw(node))


def _size_hw(node: fx.Node) -> tuple[int, int]:
    height, width = node.meta["val"].shape[-2:]
    return height, width
