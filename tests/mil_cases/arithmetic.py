"""Elementwise arithmetic and reductions, against numpy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813

from .case import IMAGE, WIDE, Case, f32, numpy_of, unary
from .programs import random

POSITIVE = np.abs(random(3, 5, seed=2)) + f32(0.1)
OTHER = random(3, 5, seed=50).round(0)
BROADCAST = random(5, seed=51).round(0)
ROUNDED = WIDE.round(0)


def binary(name: str, truth: Callable[..., Any], x: Any = ROUNDED, y: Any = OTHER) -> Case:
    """Comparisons give bool, which no output of a model can be: it is cast."""
    return Case(
        name, (x, y), lambda x, y: mb.cast(x=getattr(mb, name)(x=x, y=y), dtype="fp32"),
        numpy_of(lambda x, y: truth(x, y).astype(f32)),
    )  # fmt: skip


ARITHMETIC = [
    binary("add", np.add),
    binary("add", np.add, y=BROADCAST),
    binary("sub", np.subtract),
    binary("mul", np.multiply),
    binary("real_div", np.divide, y=POSITIVE),
    binary("pow", np.power, x=POSITIVE),
    binary("maximum", np.maximum),
    binary("minimum", np.minimum),
    binary("equal", np.equal),
    binary("not_equal", np.not_equal),
    binary("greater", np.greater),
    binary("greater_equal", np.greater_equal),
    binary("less", np.less),
    binary("less_equal", np.less_equal),
    unary("abs", np.abs, WIDE),
    unary("ceil", np.ceil, WIDE),
    unary("floor", np.floor, WIDE),
    unary("round", np.round, (WIDE * 2).round(0) / 2),  # halves go to the even neighbour
    unary("sign", np.sign, WIDE),
    unary("square", np.square, WIDE),
    unary("exp", np.exp, OTHER),
    unary("erf", np.vectorize(math.erf, otypes=[f32]), OTHER),
    unary("sqrt", np.sqrt, POSITIVE),
    unary("log", np.log, POSITIVE),
    unary("log", lambda x: np.log(x + 0.5), POSITIVE, epsilon=f32(0.5)),
    unary("rsqrt", lambda x: 1 / np.sqrt(x + 0.5), POSITIVE, epsilon=f32(0.5)),
    unary("inverse", lambda x: 1 / (x + 0.5), POSITIVE, epsilon=f32(0.5)),
    unary("clip", lambda x: np.clip(x, -3, 2), WIDE, alpha=f32(-3), beta=f32(2)),
    unary("cast", lambda x: np.trunc(x).astype(np.int32), WIDE, dtype="int32"),
    Case(
        "select", (ROUNDED, OTHER),
        lambda x, y: mb.select(cond=mb.greater(x=x, y=y), a=x, b=y),
        numpy_of(np.maximum),
    ),
]  # fmt: skip

REDUCTION = [
    unary("reduce_mean", lambda x: x.mean((2, 3), keepdims=True), IMAGE, axes=[2, 3], keep_dims=True),
    unary("reduce_sum", lambda x: x.sum(1), IMAGE, axes=[-3]),
    unary("reduce_max", lambda x: x.max((1, 2)), IMAGE, axes=[2, 1]),
    unary("reduce_min", np.min, IMAGE),
    unary("reduce_argmax", lambda x: x.argmax(1).astype(np.int32), IMAGE, axis=1),
]
