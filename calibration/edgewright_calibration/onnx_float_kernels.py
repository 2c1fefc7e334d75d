"""What onnxruntime computes in float32 by other formulas than torch, to the last bit, in PyTorch.

Between codes a last bit decides now and then which code a value becomes.  Not here: averages over whole maps, which
onnxruntime adds up in an order that depends on the CPU.
Source: onnxruntime's `batch_norm.h`, `UpsampleBilinear` of `upsample.cc` and `MlasPool2DVectorKernel`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .code_kernels import Kernel

_BLOCK = 8  # channels that kernels for x86 take together, or 16


def _batch_norm(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    _training: bool,
    _momentum: float,
    epsilon: float,
    *_: object,
) -> Tensor:
    """A product, then a sum."""
    scale = (1 / (variance + torch.tensor(epsilon)).sqrt()) * (1.0 if gamma is None else gamma)
    offset = (0.0 if beta is None else beta) - mean * scale
    return x * scale.reshape(-1, 1, 1) + offset.reshape(-1, 1, 1)


def _bilinear(
    x: Tensor, size: Sequence[int] | None, align_corners: bool, factors: Sequence[float] | None = None
) -> Tensor:
    """Four neighbours, each times its share of the rows and of the columns."""
    sizes = size or [math.floor(n * factor) for n, factor in zip(x.shape[2:], factors or (), strict=True)]
    above, below, up, down = _neighbours(x.shape[2], sizes[0], align_corners)
    left, right, near, far = _neighbours(x.shape[3], sizes[1], align_corners)
    upper, lower, up, down = x[:, :, above], x[:, :, below], up[:, None], down[:, None]
    sums = near * up * upper[..., left] + far * up * upper[..., right]
    return sums + near * down * lower[..., left] + far * down * lower[..., right]


def _neighbours(num_from: int, num_to: int, align_corners: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each result the elements before and behind it, and the share of each."""
    results = torch.arange(num_to, dtype=torch.float32)
    if align_corners:
        positions = results * (num_from - 1) / max(num_to - 1, 1)
    else:
        positions = (results + 0.5) / torch.tensor(num_to / num_from) - 0.5
    positions = positions.clamp(0, num_from - 1)
    before = positions.long()
    behind = (before + 1).clamp(max=num_from - 1)
    alone = before == behind
    shares = [torch.where(alone, 0.5, (positions - other).abs()) for other in (behind, before)]
    return before, behind, shares[0], shares[1]


def _average_pool(
    x: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int] = (0, 0), *others: object
) -> Tensor:
    """Columns are added up first, then their sums; of channels in whole blocks, window by window, as torch does."""
    if others or x.shape[1] % _BLOCK == 0 or stride[1] > 2:
        whole: Tensor = torch.ops.aten.avg_pool2d.default(x, kernel, stride, padding, *others)
        return whole
    padded = functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    columns = _windows(padded, 2, kernel[0], stride[0])
    return _windows(columns, 3, kernel[1], stride[1]) / (kernel[0] * kernel[1])


def _windows(x: Tensor, axis: int, size: int, stride: int) -> Tensor:
    """Sums along `axis`, each from its first element on."""
    return sum(x.unfold(axis, size, stride).unbind(-1), torch.zeros(()))


ONNX_FLOAT_KERNELS: dict[object, Kernel] = {
    torch.ops.aten.avg_pool2d.default: _average_pool,
    torch.ops.aten.batch_norm.default: _batch_norm,
    torch.ops.aten.upsample_bilinear2d.vec: _bilinear,
}
