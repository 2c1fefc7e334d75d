"""Pools and means over rows and columns."""

from collections.abc import Sequence

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch.nn import functional as F

from edgewright_train.errors import CheckError

from ..layout import file_axis
from ..model import Model, Value
from .padding import LOWEST, pad, pad_for_windows

Pair = Sequence[int]


def max_pool2d(
    model: Model,
    x: Value,
    kernel: Pair,
    stride: Pair = (),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> Value:
    if tuple(dilation) != (1, 1):
        raise CheckError(f"tflite: a max pool with dilation {list(dilation)}")
    return _pool(model, "MAX_POOL_2D", x, kernel, stride, padding, ceil_mode, fill=LOWEST)


def avg_pool2d(
    model: Model,
    x: Value,
    kernel: Pair,
    stride: Pair = (),
    padding: Pair = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    if divisor_override is not None:
        raise CheckError("tflite: an average pool with a divisor of its own")
    if any(padding):  # TFLite leaves its own padding out of the mean
        x = pad(model, x, [(0, 0), (0, 0), *((side, side) for side in padding)])
    y = _pool(model, "AVERAGE_POOL_2D", x, kernel, stride, (0, 0), ceil_mode, fill=0.0)
    if count_include_pad or not any(padding):
        return y
    height, width = (size - 2 * side for size, side in zip(x.shape[2:], padding, strict=True))
    share = F.avg_pool2d(torch.ones(1, 1, height, width), list(kernel), list(stride) or None, list(padding))[0, 0]
    weights = model.constant(1 / share.numpy()[None, :, :, None])
    return model.add("MUL", [y, weights], y.shape, schema.MulOptionsT())


def _pool(
    model: Model, code: str, x: Value, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool, *, fill: float
) -> Value:
    if ceil_mode:
        raise CheckError("tflite: a pool with ceil_mode")
    stride = stride or kernel
    sizes = zip(x.shape[2:], padding, kernel, stride, strict=True)
    shape = (*x.shape[:2], *((n + 2 * p - k) // s + 1 for n, p, k, s in sizes))
    padded, scheme = pad_for_windows(model, x, window=kernel, stride=stride, padding=padding, fill=fill)
    options = schema.Pool2DOptionsT()
    options.padding, (options.strideH, options.strideW) = scheme, stride
    options.filterHeight, options.filterWidth = kernel
    return model.add(code, [padded], shape, options)


def mean(model: Model, x: Value, axes: Sequence[int], keep: bool = False) -> Value:
    return _reduce(model, "MEAN", x, axes, keep)


def amax(model: Model, x: Value, axes: Sequence[int], keep: bool = False) -> Value:
    return _reduce(model, "REDUCE_MAX", x, axes, keep)


def total(model: Model, x: Value, axes: Sequence[int], keep: bool = False) -> Value:
    return _reduce(model, "SUM", x, axes, keep)


def _reduce(model: Model, code: str, x: Value, axes: Sequence[int], keep: bool) -> Value:
    if not keep:
        raise CheckError(f"tflite: {code} that drops axes")
    rank = len(x.shape)
    reduced = {axis % rank for axis in axes}
    shape = [1 if axis in reduced else size for axis, size in enumerate(x.shape)]
    options = schema.ReducerOptionsT()
    options.keepDims = True
    where = model.constant(np.array(sorted(file_axis(axis, rank) for axis in reduced)), "int32")
    return model.add(code, [x, where], shape, options)


TRANSLATIONS = {
    torch.ops.aten.amax.default: amax,
    torch.ops.aten.avg_pool2d.default: avg_pool2d,
    torch.ops.aten.max_pool2d.default: max_pool2d,
    torch.ops.aten.mean.dim: mean,
    torch.ops.aten.sum.dim_IntList: total,
}
