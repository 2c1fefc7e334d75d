"""Compressed constants and quantised activations, against numbers worked out by hand or with numpy."""

from typing import Any

import coremltools as ct
import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813

from .case import WIDE, Case, f32, numpy_of, t
from .programs import random

FLAT16, FLAT_TABLE = np.array([0b01100100, 0b11], np.uint8), np.array([1, 2, 4, 8], f32)  # indices 0 1 2 1 3
GROUP_TABLES = np.array([1, 5, 9, 13, 2, 10, 18, 26], f32).reshape(2, 1, 4, 1)
GROUP_INDICES = np.array([2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3], np.uint8).reshape(6, 2)
GROUP_VALUES = np.array([[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]], f32)  # example of the MIL reference
VECTORS = np.arange(6, dtype=f32).reshape(1, 1, 1, 2, 3)
VECTOR_INDICES = np.array([[[0, 0], [1, 0]], [[1, 1], [0, 0]]], np.uint8)
INT8 = np.random.default_rng(0).integers(-128, 128, (3, 4), np.int8)
INT4 = np.random.default_rng(1).integers(-8, 8, (4, 8), np.int8)
SCALES = np.abs(random(4, seed=60)) + f32(0.1)
BLOCKS = np.abs(random(2, 2, seed=61)) + f32(0.1)
SPARSE = np.array([3, -1, 4], f32)
iOS17, iOS18 = ct.target.iOS17, ct.target.iOS18  # noqa: N816


def few_bits(values: Any, name: str) -> Any:
    from coremltools.converters.mil.mil import types  # noqa: PLC0415

    return np.asarray(values).astype(types.nptype_from_builtin(types.string_to_builtin(name)))


def constant(name: str, truth: Any, target: ct.target = ct.target.iOS16, **parameters: Any) -> Case:
    """Constants fold before the program runs; adding an input keeps something to run."""
    zeros = np.zeros(np.shape(truth), f32)
    return Case(
        name, (zeros,), lambda x: mb.add(x=x, y=getattr(mb, name)(**parameters)), lambda x: t(f32(truth)), target
    )


COMPRESSION = [
    constant(
        "constexpr_affine_dequantize", (INT8.astype(f32) - 3) * SCALES,
        quantized_data=INT8, zero_point=np.int8(3), scale=SCALES, axis=np.int32(1),
    ),
    constant(
        "constexpr_affine_dequantize", (INT8.view(np.uint8).astype(f32) - 100) * f32(0.25),
        quantized_data=INT8.view(np.uint8), zero_point=np.uint8(100), scale=f32(0.25), axis=np.int32(0),
    ),
    constant("constexpr_cast", f32([0.5, -2]), source_val=np.float16([0.5, -2]), output_dtype="fp32"),
    constant(
        "constexpr_lut_to_dense", [1, 2, 4, 2, 8], indices=FLAT16, lut=FLAT_TABLE, shape=np.array([5], np.uint32)
    ),
    constant(
        "constexpr_lut_to_dense", GROUP_VALUES, iOS18, indices=few_bits(GROUP_INDICES, "uint2"), lut=GROUP_TABLES
    ),
    constant(
        "constexpr_lut_to_dense",
        [[[0, 0], [1, 1], [2, 2], [3, 0], [4, 1], [5, 2]], [[3, 3], [4, 4], [5, 5], [0, 0], [1, 1], [2, 2]]], iOS18,
        indices=few_bits(VECTOR_INDICES, "uint1"), lut=VECTORS, vector_axis=np.int32(1),
    ),
    constant(
        "constexpr_sparse_to_dense", [[0, 3, 0], [-1, 0, 4]],
        nonzero_data=SPARSE, mask=np.array([0b101010], np.uint8), shape=np.array([2, 3], np.uint32),
    ),
    constant(
        "constexpr_sparse_to_dense", [[0, 3, 0], [-1, 0, 4]], iOS18,
        nonzero_data=SPARSE, mask=few_bits([[0, 1, 0], [1, 0, 1]], "uint1"),
    ),
    constant(
        "constexpr_blockwise_shift_scale", INT4.astype(f32) * np.kron(BLOCKS, np.ones((2, 4), f32)), iOS18,
        data=few_bits(INT4, "int4"), scale=BLOCKS,
    ),
    constant(
        "constexpr_blockwise_shift_scale", (INT4.astype(f32) - [[1], [1], [-2], [-2]]) * f32(0.5), iOS18,
        data=few_bits(INT4, "int4"), scale=f32([[0.5], [0.5]]), offset=few_bits([[1], [-2]], "int4"),
    ),
]  # fmt: skip

STEPS, ZERO_POINTS = f32([0.5, 1, 2]), np.uint8([0, 128, 255])
QUANTISATION = [
    Case(  # 0.5 and 1.5 steps go to the even level, and both ends saturate
        "quantize", (f32([[0.25, 0.75, -0.25, 100, -100, 3.2]]),),
        lambda x: mb.cast(
            x=mb.quantize(input=x, scale=f32(0.5), zero_point=np.int8(-5), output_dtype="int8"), dtype="int32"
        ),
        lambda x: t(np.int32([[-5, -3, -5, 127, -128, 1]])), iOS17,
    ),
    Case(
        "quantize", (WIDE,),
        lambda x: mb.cast(
            x=mb.quantize(
                input=x, scale=STEPS, zero_point=ZERO_POINTS, axis=0, output_dtype="uint8"
            ), dtype="int32",
        ),
        numpy_of(
            lambda x: np.clip(np.round(x / STEPS[:, None]) + ZERO_POINTS[:, None], 0, 255).astype(np.int32)
        ), iOS17,
    ),
    Case(
        "dequantize", (WIDE,),
        lambda x: mb.dequantize(
            input=mb.quantize(input=x, scale=f32(0.5), output_dtype="int8"), scale=SCALES[:3], axis=0,
            zero_point=np.int8([1, -2, 3]),
        ),
        numpy_of(lambda x: (np.round(x / f32(0.5)) - f32([[1], [-2], [3]])) * SCALES[:3, None]), iOS17,
    ),
]  # fmt: skip
