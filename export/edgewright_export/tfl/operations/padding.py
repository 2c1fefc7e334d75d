"""Padding around windows: TFLite's own where it is torch's, otherwise an operation before."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..model import Model, Value

LOWEST = float(np.finfo(np.float32).min)


def pad_for_windows(
    model: Model,
    x: Value,
    *,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    fill: float = 0.0,
) -> tuple[Value, int]:
    """What the windows are moved over, and the `schema.Padding` of the operation that moves them.

    All sequences are (height, width); `window` counts the gaps of a dilation, `padding` is for each side.
    """
    if not any(padding):
        return x, schema.Padding.VALID
    axes = zip(x.shape[2:], window, stride, padding, strict=True)
    if all(_is_same(*axis) for axis in axes):
        return x, schema.Padding.SAME
    before_after = [(0, 0), (0, 0), *((side, side) for side in padding)]
    return pad(model, x, before_after, fill), schema.Padding.VALID


def pad(model: Model, x: Value, before_after: Sequence[tuple[int, int]], fill: float = 0.0) -> Value:
    """Along torch's axes."""
    shape = [size + before + after for size, (before, after) in zip(x.shape, before_after, strict=True)]
    amounts = model.constant([before_after[axis] for axis in (0, 2, 3, 1)], "int32")
    if fill == 0:
        return model.add("PAD", [x, amounts], shape, schema.PadOptionsT())
    return model.add("PADV2", [x, amounts, model.constant(fill)], shape, schema.PadV2OptionsT())


def _is_same(size: int, window: int, stride: int, padding: int) -> bool:
    """TFLite's SAME gives ceil(size / stride) results and puts the odd element of padding behind."""
    num_results = (size + 2 * padding - window) // stride + 1
    total = max(0, (num_results - 1) * stride + window - size)
    return num_results == -(-size // stride) and total // 2 == padding
