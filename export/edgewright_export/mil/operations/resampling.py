"""Nearest and bilinear resampling of the last two axes.

Bilinear samples at the grid points of MIL's `resize_bilinear` reference; `n` is the input's size, `m` the output's.
"""

import math

import torch
from torch import Tensor

from ..kernels import Kernel


def upsample_nearest_neighbor(x: Tensor, scale_factor_height: float = 1, scale_factor_width: float = 1) -> Tensor:
    return resize_nearest_neighbor(x, *_scaled(x, scale_factor_height, scale_factor_width))


def resize_nearest_neighbor(x: Tensor, target_size_height: int, target_size_width: int) -> Tensor:
    """Output element i comes from floor(i n / m)."""
    for axis, m in ((-2, target_size_height), (-1, target_size_width)):
        x = x.index_select(axis, torch.arange(m) * x.shape[axis] // m)
    return x


def upsample_bilinear(
    x: Tensor,
    scale_factor_height: float = 1,
    scale_factor_width: float = 1,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """The scale in use is that of the resulting sizes."""
    if align_corners and half_pixel_centers:
        raise ValueError("align_corners and half_pixel_centers exclude each other")
    mode = "STRICT_ALIGN_CORNERS" if align_corners else "DEFAULT" if half_pixel_centers is False else "UNALIGN_CORNERS"
    return resize_bilinear(x, *_scaled(x, scale_factor_height, scale_factor_width), mode)


def resize_bilinear(
    x: Tensor, target_size_height: int = 1, target_size_width: int = 1, sampling_mode: str = "DEFAULT"
) -> Tensor:
    for axis, m in ((-2, target_size_height), (-1, target_size_width)):
        n = x.shape[axis]
        points = _grid(sampling_mode, n, m).clamp(0, n - 1)
        low = points.floor().long()
        weight = (points - low).to(x.dtype).reshape(-1, *(1,) * (-1 - axis))
        x = torch.lerp(x.index_select(axis, low), x.index_select(axis, (low + 1).clamp(max=n - 1)), weight)
    return x


def _grid(mode: str, n: int, m: int) -> Tensor:
    steps = torch.arange(m, dtype=torch.float64)
    match mode:
        case "ALIGN_CORNERS" if m == 1:
            return steps + (n - 1) / 2
        case "ALIGN_CORNERS" | "STRICT_ALIGN_CORNERS":
            return steps * ((n - 1) / max(1, m - 1))
        case "DEFAULT":
            return steps * (n / m)
        case "OFFSET_CORNERS":
            return (steps + 0.5) * (max(1, n - 1) / m)
        case "UNALIGN_CORNERS":
            return (steps + 0.5) * (n / m) - 0.5
    raise ValueError(f"sampling_mode {mode!r} is unknown")


def _scaled(x: Tensor, scale_height: float, scale_width: float) -> tuple[int, int]:
    return math.floor(x.shape[-2] * scale_height), math.floor(x.shape[-1] * scale_width)


KERNELS: dict[str, Kernel] = {
    "resize_bilinear": resize_bilinear,
    "resize_nearest_neighbor": resize_nearest_neighbor,
    "upsample_bilinear": upsample_bilinear,
    "upsample_nearest_neighbor": upsample_nearest_neighbor,
}
