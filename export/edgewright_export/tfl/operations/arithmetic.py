"""Element by element, with numbers, constants and maps of one element per channel or position."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema

from ..layout import to_channels_last
from ..model import Model, Value

Operand = Value | Any


def binary(model: Model, code: str, options: Any, a: Operand, b: Operand) -> Value:
    """At least one is a `Value`; shapes broadcast as torch's do, at equal ranks."""
    shape = np.broadcast_shapes(*(operand.shape for operand in (a, b) if hasattr(operand, "shape")))
    return model.add(code, [_operand(model, a), _operand(model, b)], shape, options)


def _operand(model: Model, operand: Operand) -> Value | int:
    if isinstance(operand, Value):
        return operand
    array = np.asarray(operand, np.float32)
    return model.constant(array.transpose(to_channels_last(tuple(range(array.ndim)))))


def _binary(code: str, options: Callable[[], Any]) -> Callable[..., Value]:
    def translation(model: Model, a: Operand, b: Operand, alpha: float = 1) -> Value:
        assert alpha == 1
        return binary(model, code, options(), a, b)

    return translation


def _unary(code: str, options: Callable[[], Any] | None = None) -> Callable[..., Value]:
    def translation(model: Model, x: Value) -> Value:
        return model.add(code, [x], x.shape, None if options is None else options())

    return translation


add, sub = _binary("ADD", schema.AddOptionsT), _binary("SUB", schema.SubOptionsT)
mul, div = _binary("MUL", schema.MulOptionsT), _binary("DIV", schema.DivOptionsT)
minimum = _binary("MINIMUM", schema.MaximumMinimumOptionsT)
maximum = _binary("MAXIMUM", schema.MaximumMinimumOptionsT)
exp, floor, neg = _unary("EXP", schema.ExpOptionsT), _unary("FLOOR"), _unary("NEG", schema.NegOptionsT)


def clamp(model: Model, x: Value, low: float | None = None, high: float | None = None) -> Value:
    if low is not None:
        x = maximum(model, x, low)
    return x if high is None else minimum(model, x, high)


TRANSLATIONS = {
    torch.ops.aten.add.Tensor: add,
    torch.ops.aten.clamp.default: clamp,
    torch.ops.aten.div.Tensor: div,
    torch.ops.aten.exp.default: exp,
    torch.ops.aten.floor.default: floor,
    torch.ops.aten.mul.Tensor: mul,
    torch.ops.aten.neg.default: neg,
    torch.ops.aten.rsub.Scalar: lambda model, x, number, alpha=1: sub(model, number, x, alpha),
    torch.ops.aten.sub.Tensor: sub,
}
