"""Convolutions and what is one in disguise."""

from collections.abc import Sequence

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ..model import Model, Value
from .padding import pad_for_windows

Weights = NDArray[np.float32]


def conv2d(
    model: Model,
    x: Value,
    weight: Weights,
    bias: Weights | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Value:
    out_channels, kernel = weight.shape[0], weight.shape[2:]
    window = [(size - 1) * gap + 1 for size, gap in zip(kernel, dilation, strict=True)]
    sizes = zip(x.shape[2:], padding, window, stride, strict=True)
    shape = (x.shape[0], out_channels, *((n + 2 * p - w) // s + 1 for n, p, w, s in sizes))
    padded, scheme = pad_for_windows(model, x, window=window, stride=stride, padding=padding)
    depthwise = groups == x.shape[1] and groups > 1
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.padding, (options.strideH, options.strideW) = scheme, stride
    options.dilationHFactor, options.dilationWFactor = dilation
    offsets = model.constant(np.zeros(out_channels) if bias is None else bias)
    if depthwise:
        options.depthMultiplier = out_channels // groups
        filters = model.weight(weight.transpose(1, 2, 3, 0))  # (1, kh, kw, out)
        version = 1 if tuple(dilation) == (1, 1) else 2
        return model.add("DEPTHWISE_CONV_2D", [padded, filters, offsets], shape, options, version=version)
    filters = model.weight(weight.transpose(0, 2, 3, 1))  # (out, kh, kw, in / groups): fewer channels mean groups
    return model.add("CONV_2D", [padded, filters, offsets], shape, options, version=1 if groups == 1 else 6)


def batch_norm(
    model: Model,
    x: Value,
    gamma: Weights | None,
    beta: Weights | None,
    mean: Weights,
    variance: Weights,
    training: bool,
    momentum: float,
    epsilon: float,
    cudnn: bool,
) -> Value:
    """With constant statistics: a scale and an offset per channel."""
    assert not training
    scale = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
    scale = scale if gamma is None else scale * gamma
    offset = -mean * scale if beta is None else beta - mean * scale
    scaled = model.add("MUL", [x, model.constant(scale)], x.shape, schema.MulOptionsT())
    return model.add("ADD", [scaled, model.constant(offset)], x.shape, schema.AddOptionsT())


TRANSLATIONS = {
    torch.ops.aten.batch_norm.default: batch_norm,
    torch.ops.aten.conv2d.default: conv2d,
}
