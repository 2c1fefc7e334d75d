"""Affine quantisation of activations: real = scale * (integer - zero_point), per tensor or along one axis."""

import torch
from torch import Tensor

from ..kernels import Kernel

_INTEGERS = {"int8": torch.int8, "uint8": torch.uint8}


def quantize(
    input: Tensor,  # noqa: A002 (MIL's name)
    scale: Tensor,
    output_dtype: str,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    """Rounds half to even and saturates."""
    if output_dtype not in _INTEGERS:
        raise ValueError(f"output_dtype {output_dtype!r}: known are {', '.join(_INTEGERS)}")
    integer = _INTEGERS[output_dtype]
    levels = torch.round(input / along(scale, axis, input))
    if zero_point is not None:
        levels = levels + along(zero_point, axis, input)
    return levels.clamp(torch.iinfo(integer).min, torch.iinfo(integer).max).to(integer)


def dequantize(
    input: Tensor,  # noqa: A002
    scale: Tensor,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    levels = input.float()
    if zero_point is not None:
        levels = levels - along(zero_point, axis, input).float()
    return levels * along(scale, axis, input)


def along(vector: Tensor, axis: int | None, x: Tensor) -> Tensor:
    """A scalar as it is; a vector shaped to run along `axis` of `x`."""
    if vector.dim() == 0:
        return vector
    if axis is None or vector.numel() != x.shape[axis]:
        raise ValueError(f"{vector.numel()} values for axis {axis} of shape {list(x.shape)}")
    return vector.reshape([-1 if i == axis % x.dim() else 1 for i in range(x.dim())])


KERNELS: dict[str, Kernel] = {"dequantize": dequantize, "quantize": quantize}
