"""Elementwise arithmetic, comparison and conversion, with numpy's broadcasting."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..kernels import Kernel

_CAST = {
    "bool": torch.bool,
    "fp16": torch.float32,  # carried in float32, rounded by the declared type of the output
    "fp32": torch.float32,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "uint8": torch.uint8,
    "uint16": torch.int32,
}


def _unary(compute: Callable[[Tensor], Tensor]) -> Kernel:
    def kernel(x: Tensor) -> Tensor:
        return compute(x)

    return kernel


def _binary(compute: Callable[[Tensor, Tensor], Tensor]) -> Kernel:
    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return compute(x, y)

    return kernel


def clip(x: Tensor, alpha: float, beta: float) -> Tensor:
    return x.clamp(alpha, beta)


def inverse(x: Tensor, epsilon: float = 1e-4) -> Tensor:
    return 1.0 / (x + epsilon)


def log(x: Tensor, epsilon: float = 1e-45) -> Tensor:
    return torch.log(x + epsilon)


def rsqrt(x: Tensor, epsilon: float = 1e-12) -> Tensor:
    return 1.0 / torch.sqrt(x + epsilon)


def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(cond, a, b)


def cast(x: Tensor, dtype: str) -> Tensor:
    """Towards zero when a fraction becomes an integer."""
    if dtype not in _CAST:
        raise ValueError(f"dtype {dtype!r}: known are {', '.join(_CAST)}")
    return x.to(_CAST[dtype])


KERNELS: dict[str, Kernel] = {
    "abs": _unary(torch.abs),
    "add": _binary(torch.add),
    "cast": cast,
    "ceil": _unary(torch.ceil),
    "clip": clip,
    "equal": _binary(torch.eq),
    "erf": _unary(torch.erf),
    "exp": _unary(torch.exp),
    "floor": _unary(torch.floor),
    "greater": _binary(torch.gt),
    "greater_equal": _binary(torch.ge),
    "inverse": inverse,
    "less": _binary(torch.lt),
    "less_equal": _binary(torch.le),
    "log": log,
    "maximum": _binary(torch.maximum),
    "minimum": _binary(torch.minimum),
    "mul": _binary(torch.mul),
    "not_equal": _binary(torch.ne),
    "pow": _binary(torch.pow),
    "real_div": _binary(torch.div),
    "round": _unary(torch.round),
    "rsqrt": rsqrt,
    "select": select,
    "sign": _unary(torch.sign),
    "sqrt": _unary(torch.sqrt),
    "square": _unary(torch.square),
    "sub": _binary(torch.sub),
}
