"""Layers that a training leaves as they are: their weights, and the statistics of their batch norms."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from .optimizer import require_match


def freeze(network: nn.Module, patterns: Sequence[str]) -> None:
    """Take the parameters whose names match out of the training.  Raises `InputError` for a pattern without any."""
    parameters = dict(network.named_parameters())
    for pattern in patterns:
        require_match(pattern, parameters, key="freeze")
    for name, parameter in parameters.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(False)


def train_mode(network: nn.Module) -> None:
    """As `train()`, but a batch norm whose weights are frozen keeps its statistics and normalises by them."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
