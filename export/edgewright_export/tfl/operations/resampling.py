"""Interpolation to a size or by a factor."""

from collections.abc import Sequence
from math import floor

import torch
from ai_edge_litert import schema_py_generated as schema

from ..model import Model, Value

Size = Sequence[int] | None
Factors = Sequence[float] | None


def upsample_bilinear2d(model: Model, x: Value, size: Size, align_corners: bool, factors: Factors = None) -> Value:
    """Without aligned corners, between the centres of pixels."""
    options = schema.ResizeBilinearOptionsT()
    options.alignCorners, options.halfPixelCenters = align_corners, not align_corners
    return _resize(model, "RESIZE_BILINEAR", x, size, factors, options, version=1 if align_corners else 3)


def upsample_nearest2d(model: Model, x: Value, size: Size, factors: Factors = None) -> Value:
    """Element i comes from floor(i * source / result)."""
    options = schema.ResizeNearestNeighborOptionsT()
    options.alignCorners = options.halfPixelCenters = False
    return _resize(model, "RESIZE_NEAREST_NEIGHBOR", x, size, factors, options)


def _resize(
    model: Model, code: str, x: Value, size: Size, factors: Factors, options: object, *, version: int = 1
) -> Value:
    if size is None:
        assert factors is not None
        size = [floor(n * factor) for n, factor in zip(x.shape[2:], factors, strict=True)]
    shape = (*x.shape[:2], *size)
    return model.add(code, [x, model.constant(size, "int32")], shape, options, version=version)


TRANSLATIONS = {
    torch.ops.aten.upsample_bilinear2d.vec: upsample_bilinear2d,
    torch.ops.aten.upsample_nearest2d.vec: upsample_nearest2d,
}
