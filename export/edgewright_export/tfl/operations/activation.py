"""Activations.  ReLU and ReLU6 become part of the operation before them where they can."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from ..model import Model, Value
from .arithmetic import add, clamp, div, exp, maximum, minimum, mul

_MISH_LIMIT = 20.0  # beyond it tanh(softplus(x)) is 1 in float32, and exp(x)^2 still finite


def _simple(code: str, options: Callable[[], Any] | None = None) -> Callable[..., Value]:
    def translation(model: Model, x: Value) -> Value:
        return model.add(code, [x], x.shape, None if options is None else options())

    return translation


def _fusible(code: str) -> Callable[..., Value]:
    def translation(model: Model, x: Value) -> Value:
        return x if model.activate(x, code) else model.add(code, [x], x.shape)

    return translation


relu, relu6 = _fusible("RELU"), _fusible("RELU6")
sigmoid, tanh = _simple("LOGISTIC"), _simple("TANH")


def hardtanh(model: Model, x: Value, low: float = -1.0, high: float = 1.0) -> Value:
    return relu6(model, x) if (low, high) == (0, 6) else clamp(model, x, low, high)


def prelu(model: Model, x: Value, slope: NDArray[np.float32]) -> Value:
    slopes = model.constant(np.broadcast_to(slope, (x.shape[1],)).reshape(1, 1, -1))
    return model.add("PRELU", [x, slopes], x.shape)


def leaky_relu(model: Model, x: Value, slope: float = 0.01) -> Value:
    options = schema.LeakyReluOptionsT()
    options.alpha = slope
    return model.add("LEAKY_RELU", [x], x.shape, options)


def silu(model: Model, x: Value) -> Value:
    return mul(model, x, sigmoid(model, x))


def mish(model: Model, x: Value) -> Value:
    """x tanh(log(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2)."""
    power = exp(model, minimum(model, x, _MISH_LIMIT))
    n = mul(model, power, add(model, power, 2.0))
    return mul(model, x, div(model, n, add(model, n, 2.0)))


def elu(model: Model, x: Value, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Value:
    """TFLite's has alpha 1: the part below zero is scaled, the other added."""
    if input_scale != 1:
        raise CheckError("tflite: an ELU whose input is scaled")
    y = model.add("ELU", [x], x.shape)
    if alpha != 1:
        y = add(model, maximum(model, y, 0.0), mul(model, minimum(model, y, 0.0), alpha))
    return y if scale == 1 else mul(model, y, scale)


def selu(model: Model, x: Value) -> Value:
    return elu(model, x, 1.6732632423543772, 1.0507009873554805)


def gelu(model: Model, x: Value, approximate: str = "none") -> Value:
    options = schema.GeluOptionsT()
    options.approximate = approximate == "tanh"
    return model.add("GELU", [x], x.shape, options)


def softmax(model: Model, x: Value, axis: int, dtype: Any = None) -> Value:
    """Over the channels."""
    if len(x.shape) != 4 or axis % 4 != 1:
        raise CheckError(f"tflite: a softmax over axis {axis} of {list(x.shape)}")
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return model.add("SOFTMAX", [x], x.shape, options)


TRANSLATIONS = {
    torch.ops.aten.elu.default: elu,
    torch.ops.aten.gelu.default: gelu,
    torch.ops.aten.hardtanh.default: hardtanh,
    torch.ops.aten.leaky_relu.default: leaky_relu,
    torch.ops.aten.mish.default: mish,
    torch.ops.aten.prelu.default: prelu,
    torch.ops.aten.relu.default: relu,
    torch.ops.aten.relu6.default: relu6,
    torch.ops.aten.selu.default: selu,
    torch.ops.aten.sigmoid.default: sigmoid,
    torch.ops.aten.silu.default: silu,
    torch.ops.aten.softmax.int: softmax,
    torch.ops.aten.tanh.default: tanh,
}
