"""Layers that a training leaves as they are: their weights, and the statistics of their batch norms."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from .optimizer import require_match

_BatchNorm = nn.modules.batchnorm._BatchNorm


def freeze(network: nn.Module, patterns: Sequence[str], *, batch_norms: bool = False) -> None:
    """Take the parameters whose names match, or all `batch_norms`, out of the training.

    Raises `InputError` for a pattern that none matches.
    """
    parameters = dict(network.named_parameters())
    for pattern in patterns:
        require_match(pattern, parameters, key="freeze")
    for name, parameter in parameters.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(False)
    for module in network.modules():
        if batch_norms and isinstance(module, _BatchNorm):
            module.requires_grad_(False)


def train_mode(network: nn.Module) -> None:
    """As `train()`, but a batch norm whose weights are frozen keeps its statistics and normalises by them."""
    network.train()
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
