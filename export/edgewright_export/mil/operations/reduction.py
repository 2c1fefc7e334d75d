"""Reductions over some axes, or over all of them."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..kernels import Kernel


def _over_axes(reduce: Callable[[Tensor, list[int], bool], Tensor]) -> Kernel:
    def kernel(x: Tensor, axes: tuple[int, ...] | None = None, keep_dims: bool = False) -> Tensor:
        return reduce(x, list(range(x.dim())) if axes is None else list(axes), keep_dims)

    return kernel


def reduce_argmax(x: Tensor, axis: int = -1, keep_dims: bool = False) -> Tensor:
    """The first of equals."""
    return torch.argmax(x, axis, keep_dims).int()


KERNELS: dict[str, Kernel] = {
    "reduce_argmax": reduce_argmax,
    "reduce_max": _over_axes(torch.amax),
    "reduce_mean": _over_axes(torch.mean),
    "reduce_min": _over_axes(torch.amin),
    "reduce_sum": _over_axes(torch.sum),
}
