"""Resampling to sizes that follow from the input's, in one kind of module.

`average`: adaptive average pooling; `bilinear`: interpolation with aligned corners; `fit`: whichever goes that way, per
axis, as DiCENet's fixed-size branches need it (spec-dicenet.md section 1).
"""

import math
from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Method = Literal["average", "bilinear", "fit"]
SizeHw = tuple[int, int]


class Resample(nn.Module):
    """forward(x, like=None): (N, C, H, W) -> (N, C, h, w) with (h, w) from `size`.

    Attributes:
        method: how; never both directions in one call, except `fit`, which treats height and then width.
        size: (H, W) of x, (H, W) of `like` or of x -> (h, w).
    """

    def __init__(self, method: Method, size: Callable[[SizeHw, SizeHw], SizeHw]) -> None:
        super().__init__()
        self.method, self.size = method, size

    def steps(self, from_hw: SizeHw, like_hw: SizeHw) -> list[tuple[Literal["average", "bilinear"], SizeHw]]:
        """The elementary resamplings, in order; none when the size stays."""
        to_hw = self.size(from_hw, like_hw)
        if self.method != "fit":
            return [] if to_hw == from_hw else [(self.method, to_hw)]
        (from_h, from_w), (to_h, to_w) = from_hw, to_hw
        rows: list[tuple[Literal["average", "bilinear"], SizeHw]] = []
        if to_h != from_h:
            rows.append(("bilinear" if from_h < to_h else "average", (to_h, from_w)))
        if to_w != from_w:
            rows.append(("bilinear" if from_w < to_w else "average", (to_h, to_w)))
        return rows

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        like_hw = _size_hw(x if like is None else like)
        for method, to_hw in self.steps(_size_hw(x), like_hw):
            x = _METHODS[method](x, to_hw)
        return x


def resample_by(method: Method, factor: float, smallest: int = 1) -> Resample:
    """To ceil(side * factor) of x, at least `smallest`."""

    def size(from_hw: SizeHw, _: SizeHw) -> SizeHw:
        height, width = (max(smallest, math.ceil(side * factor)) for side in from_hw)
        return height, width

    return Resample(method, size)


def resample_like(method: Method) -> Resample:
    """To the size of `like`."""
    return Resample(method, lambda _, like_hw: like_hw)


def resample_to(method: Method, *, height: int | None = None, width: int | None = None) -> Resample:
    """To a fixed height, width or both; a side left out stays."""
    return Resample(method, lambda from_hw, _: (height or from_hw[0], width or from_hw[1]))


def _size_hw(x: Tensor) -> SizeHw:
    height, width = x.shape[-2:]
    return height, width


def _bilinear(x: Tensor, to_hw: SizeHw) -> Tensor:
    return F.interpolate(x, to_hw, mode="bilinear", align_corners=True)


_METHODS: dict[str, Callable[[Tensor, SizeHw], Tensor]] = {"average": F.adaptive_avg_pool2d, "bilinear": _bilinear}
