"""Convolutions and matrix products."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..kernels import Kernel
from .padding import pad_spatial, resolve_padding

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: tuple[int, ...] | None = None,
    pad_type: str = "valid",
    pad: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    groups: int = 1,
) -> Tensor:
    rank = x.dim() - 2
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    kernel = _dilated(weight.shape[2:], dilations)
    pads = resolve_padding(pad_type, pad, size=x.shape[2:], kernel=kernel, strides=strides)
    if all(before == after for before, after in pads):  # torch pads by itself, which is faster
        return _CONV[rank](x, weight, bias, strides, tuple(before for before, _ in pads), dilations, groups)
    return _CONV[rank](pad_spatial(x, pads), weight, bias, strides, 0, dilations, groups)


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: tuple[int, ...] | None = None,
    pad_type: str = "valid",
    pad: tuple[int, ...] | None = None,
    output_shape: tuple[int, ...] | None = None,
    dilations: tuple[int, ...] | None = None,
    groups: int = 1,
) -> Tensor:
    """The unpadded result, cropped before by the padding and brought to size at its end; then the bias."""
    rank = x.dim() - 2
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    whole = _CONV_TRANSPOSE[rank](x, weight, None, strides, 0, 0, groups, dilations)
    if pad_type == "same":
        sizes = [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
        crops = tuple((max(0, n - s) // 2, max(0, n - s + 1) // 2) for n, s in zip(whole.shape[2:], sizes, strict=True))
    else:
        crops = resolve_padding(pad_type, pad, size=(0,) * rank, kernel=(1,) * rank, strides=strides)
        sizes = [n - sum(crop) for n, crop in zip(whole.shape[2:], crops, strict=True)]
    if output_shape is not None:
        sizes = list(output_shape[2:])
    cropped = pad_spatial(
        whole,
        tuple((-crop[0], size - (n - crop[0])) for n, crop, size in zip(whole.shape[2:], crops, sizes, strict=True)),
    )
    return cropped if bias is None else cropped + bias.reshape(-1, *(1,) * rank)


def _dilated(kernel: tuple[int, ...], dilations: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(x, weight, bias)


def matmul(x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """A vector has nothing to transpose."""
    if transpose_x and x.dim() > 1:
        x = x.transpose(-1, -2)
    if transpose_y and y.dim() > 1:
        y = y.transpose(-1, -2)
    return torch.matmul(x, y)


KERNELS: dict[str, Kernel] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "matmul": matmul,
}
