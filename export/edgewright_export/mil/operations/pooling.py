"""Pools over one to three spatial axes."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..kernels import Kernel
from .padding import Pads, pad_spatial, resolve_padding

_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVG_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(
    x: Tensor,
    kernel_sizes: tuple[int, ...],
    pad_type: str,
    strides: tuple[int, ...] | None = None,
    pad: tuple[int, ...] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    rank = x.dim() - 2
    strides = strides or (1,) * rank
    pads = resolve_padding(pad_type, pad, size=x.shape[2:], kernel=kernel_sizes, strides=strides)
    overhang = _overhang(x, kernel_sizes, strides, pads) if ceil_mode else ((0, 0),) * rank
    padded = pad_spatial(x, tuple((b, a + o) for (b, a), (_, o) in zip(pads, overhang, strict=True)), float("-inf"))
    return _MAX_POOL[rank](padded, kernel_sizes, strides)


def avg_pool(
    x: Tensor,
    kernel_sizes: tuple[int, ...],
    pad_type: str,
    strides: tuple[int, ...] | None = None,
    pad: tuple[int, ...] | None = None,
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> Tensor:
    """The mean of what counts in each window: mean of all, over the mean of a mask that is 1 where an element counts.

    What `ceil_mode` adds at the end never counts, padding counts unless it is excluded.
    """
    rank = x.dim() - 2
    strides = strides or (1,) * rank
    pads = resolve_padding(pad_type, pad, size=x.shape[2:], kernel=kernel_sizes, strides=strides)
    overhang = _overhang(x, kernel_sizes, strides, pads) if ceil_mode else ((0, 0),) * rank
    mean = _AVG_POOL[rank](pad_spatial(pad_spatial(x, pads), overhang), kernel_sizes, strides)
    if not any(a or b for a, b in (*pads, *overhang)):
        return mean
    mask = pad_spatial(torch.ones_like(x[:1, :1]), pads, 0.0 if exclude_padding_from_average else 1.0)
    return mean / _AVG_POOL[rank](pad_spatial(mask, overhang), kernel_sizes, strides)


def _overhang(x: Tensor, kernel: tuple[int, ...], strides: tuple[int, ...], pads: Pads) -> Pads:
    """Elements to add after each axis for the last, incomplete window, unless it would start in the padding after."""
    result = []
    for n, k, s, (before, after) in zip(x.shape[2:], kernel, strides, pads, strict=True):
        count = -(-(n + before + after - k) // s) + 1
        if (count - 1) * s >= n + before and (before or after):
            count -= 1
        result.append((0, max(0, (count - 1) * s + k - (n + before + after))))
    return tuple(result)


KERNELS: dict[str, Kernel] = {"avg_pool": avg_pool, "max_pool": max_pool}
