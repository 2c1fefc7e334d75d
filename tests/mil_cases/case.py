"""What a case of an operation is, and short ways to write one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import coremltools as ct
import numpy as np
import torch
from coremltools.converters.mil import Builder as mb  # noqa: N813
from torch import Tensor

from .programs import random

f32 = np.float32


@dataclass(frozen=True)
class Case:
    """`build` makes the program from its inputs, `truth` computes what it must give from the same values as tensors."""

    operation: str
    inputs: tuple[Any, ...]
    build: Callable[..., Any]
    truth: Callable[..., Any]
    target: ct.target = ct.target.iOS16


def t(array: Any) -> Tensor:
    return torch.from_numpy(np.asarray(array))


def numpy_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A truth in numpy."""
    return lambda *tensors: function(*(tensor.numpy() for tensor in tensors))


def unary(name: str, truth: Callable[..., Any], x: Any, **parameters: Any) -> Case:
    """An operation with one variable input, its truth in numpy."""
    return Case(name, (x,), lambda x: getattr(mb, name)(x=x, **parameters), numpy_of(truth))


IMAGE = random(2, 4, 9, 7)
WIDE = (10 * random(3, 5, seed=1)).astype(f32)
