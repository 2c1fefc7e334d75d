"""Compressed constants.  iOS 16 packs indices and masks into bytes beside a shape, iOS 18 has types of few bits."""

import math

import numpy as np
import torch
from torch import Tensor

from ..blob import unpack
from ..kernels import Kernel
from ..tensor_types import TensorType, unsigned
from .quantisation import dequantize


def constexpr_affine_dequantize(quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: int) -> Tensor:
    return dequantize(quantized_data, scale, zero_point, axis)


def constexpr_blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """scale * (data - offset); every axis of `scale` divides that of `data`, each element serves one block."""
    levels = data.float()
    if offset is not None:
        levels = levels - _repeated(offset.float(), data.shape)
    return levels * _repeated(scale, data.shape)


def _repeated(blocks: Tensor, shape: tuple[int, ...]) -> Tensor:
    if blocks.dim() != len(shape) or any(size % count for size, count in zip(shape, blocks.shape, strict=True)):
        raise ValueError(f"blocks of shape {list(blocks.shape)} do not divide {list(shape)}")
    for axis, size in enumerate(shape):
        blocks = blocks.repeat_interleave(size // blocks.shape[axis], axis)
    return blocks


def constexpr_cast(source_val: Tensor, output_dtype: str) -> Tensor:
    if output_dtype != "fp32":
        raise ValueError(f"output_dtype {output_dtype!r}: only fp32 is known")
    return source_val


def constexpr_lut_to_dense(
    indices: Tensor, lut: Tensor, shape: tuple[int, ...] | None = None, vector_axis: int | None = None
) -> Tensor:
    """Each index is replaced by its entry of the lookup table.

    iOS 16 (`shape` given): one table (P,), log2(P) bits an index.  iOS 18: `lut` is (*groups, P, vector size); the
    groups divide the axes of `indices`, and a vector runs along `vector_axis` of the result.
    """
    if shape is not None:
        return lut[_unpacked(indices, math.ceil(math.log2(lut.numel())), shape).long()]
    *groups, num_entries, vector_size = lut.shape
    tables = torch.arange(math.prod(groups)).reshape(groups)
    rows = _repeated(tables, indices.shape) * num_entries + indices.long()
    vectors = lut.reshape(-1, vector_size)[rows]
    if vector_size == 1:
        return vectors.squeeze(-1)
    if vector_axis is None:
        raise ValueError("vector_axis is missing")
    axis = vector_axis % indices.dim()
    return vectors.movedim(-1, axis + 1).flatten(axis, axis + 1)


def constexpr_sparse_to_dense(nonzero_data: Tensor, mask: Tensor, shape: tuple[int, ...] | None = None) -> Tensor:
    """`nonzero_data` in order where the mask is set, 0 elsewhere."""
    chosen = (_unpacked(mask, 1, shape) if shape is not None else mask) != 0
    if int(chosen.sum()) != nonzero_data.numel():
        raise ValueError(f"{nonzero_data.numel()} values for a mask with {int(chosen.sum())} set bits")
    dense = torch.zeros(chosen.shape, dtype=nonzero_data.dtype)
    dense[chosen] = nonzero_data
    return dense


def _unpacked(packed: Tensor, bits: int, shape: tuple[int, ...]) -> Tensor:
    declared = TensorType(unsigned(bits), shape)
    if packed.numel() * 8 < declared.num_elements * bits:
        raise ValueError(f"{packed.numel()} bytes do not hold {declared}")
    return torch.from_numpy(np.array(unpack(packed.numpy().tobytes(), declared)))


KERNELS: dict[str, Kernel] = {
    "constexpr_affine_dequantize": constexpr_affine_dequantize,
    "constexpr_blockwise_shift_scale": constexpr_blockwise_shift_scale,
    "constexpr_cast": constexpr_cast,
    "constexpr_lut_to_dense": constexpr_lut_to_dense,
    "constexpr_sparse_to_dense": constexpr_sparse_to_dense,
}
