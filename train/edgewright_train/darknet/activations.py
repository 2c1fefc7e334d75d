"""Darknet's activations by name: value -> value.  spec-darknet-cfg section 4."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SUM_EPS = 1e-4


class Elementwise(nn.Module):
    """One of the activations that PyTorch has no module for."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return _FORMULAS[self.name](x)

    def extra_repr(self) -> str:
        return self.name


def _stair(x: Tensor) -> Tensor:
    """Flat on [2k, 2k + 1], rising by one on [2k + 1, 2k + 2]."""
    half = torch.floor(x / 2)
    return half + F.relu(x - 2 * half - 1)


def _hard_mish(x: Tensor) -> Tensor:
    clipped = torch.clamp(x, -2, 0)
    return F.relu(x) + clipped + clipped * clipped / 2


def _plse(x: Tensor) -> Tensor:
    inner = torch.clamp(x, -4, 4)
    return inner / 8 + 0.5 + 0.01 * (x - inner)


def _lhtan(x: Tensor) -> Tensor:
    inner = torch.clamp(x, 0, 1)
    return inner + 0.001 * (x - inner)


def _normalized(positive: Tensor) -> Tensor:
    return positive / (positive.sum(1, keepdim=True) + _SUM_EPS)


_FORMULAS: dict[str, Callable[[Tensor], Tensor]] = {
    # coremltools takes nn.GELU(approximate="tanh") for the exact one.
    "gelu": lambda x: 0.5 * x * (1 + torch.tanh(0.797885 * x + 0.035677 * x * x * x)),
    "loggy": lambda x: 2 * torch.sigmoid(x) - 1,
    "ramp": lambda x: F.relu(x) + 0.1 * x,
    "plse": _plse,
    "stair": _stair,
    "lhtan": _lhtan,
    "hard_mish": _hard_mish,
    "normalize_channels": lambda x: _normalized(F.relu(x)),
    "normalize_channels_softmax": lambda x: _normalized(torch.exp(x)),
    "normalize_channels_softmax_maxval": lambda x: _normalized(torch.exp(x - torch.amax(x, 1, keepdim=True))),
}

# `linear` has no module: nothing is done.
ACTIVATIONS: dict[str, Callable[[], nn.Module] | None] = {
    "linear": None,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "revleaky": lambda: nn.LeakyReLU(0.1),
    "relie": lambda: nn.LeakyReLU(0.01),
    "swish": nn.SiLU,
    "mish": nn.Mish,
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "tanh": nn.Tanh,
    "hardtan": nn.Hardtanh,
    **{name: partial(Elementwise, name) for name in _FORMULAS},
}


def activation_module(name: str) -> nn.Module | None:
    """None for `linear`; the name must be one of `ACTIVATIONS`."""
    make = ACTIVATIONS[name]
    return None if make is None else make()
