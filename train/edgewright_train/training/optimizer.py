"""The optimiser of a recipe: stochastic gradient descent or AdamW, with rules for single layers.

Sources: Sutskever et al. 2013 (momentum); Loshchilov & Hutter 2019, arXiv:1711.05101 (AdamW).
"""

from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import nn

from ..errors import InputError
from ..schema import Record

NonNegative = Annotated[float, Field(ge=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


class Rule(Record):
    """What is different for some parameters.

    Attributes:
        names: of the parameters, as `make summary` lists the layers; `*` stands for anything.
        rate: factor of the learning rate.
        weight_decay: in place of the optimiser's.
    """

    names: str
    rate: NonNegative = 1.0
    weight_decay: NonNegative | None = None


class _Optimizer(Record):
    """What both kinds have.

    Attributes:
        decay_norms_and_biases: whether weight decay reaches one-dimensional parameters too.
        max_gradient_norm: longer gradients are shortened to it; 0 leaves them.
        rules: the last one whose names match a parameter counts.
    """

    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: NonNegative
    decay_norms_and_biases: bool
    max_gradient_norm: NonNegative
    rules: tuple[Rule, ...] = ()


class Sgd(_Optimizer):
    """Stochastic gradient descent."""

    kind: Literal["sgd"]
    momentum: Momentum
    nesterov: bool


class AdamW(_Optimizer):
    """Steps scaled by running means of the gradient and of its square, with decay apart from them."""

    kind: Literal["adamw"]
    betas: tuple[Momentum, Momentum] = (0.9, 0.999)


AnyOptimizer = Sgd | AdamW
OptimizerSettings = Annotated[AnyOptimizer, Field(discriminator="kind")]


def build_optimizer(network: nn.Module, settings: AnyOptimizer) -> torch.optim.Optimizer:
    """One group of parameters for each pair of rate factor and decay; `rate` in a group is its factor.

    Raises `InputError` for a rule that no parameter of the network matches.
    """
    for rule in settings.rules:
        require_match(rule.names, (name for name, _ in network.named_parameters()), key="optimizer.rules")
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups[_rate_and_decay(name, parameter, settings)].append(parameter)
    options: list[dict[str, Any]] = [
        {"params": parameters, "rate": rate, "weight_decay": decay} for (rate, decay), parameters in groups.items()
    ]
    if isinstance(settings, AdamW):
        return torch.optim.AdamW(options, lr=settings.learning_rate, betas=settings.betas)
    return torch.optim.SGD(options, lr=settings.learning_rate, momentum=settings.momentum, nesterov=settings.nesterov)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step, before the rules' factors."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate"]


def require_match(pattern: str, names: Iterable[str], *, key: str) -> None:
    """Raises `InputError`, with some names there are, when `pattern` matches none."""
    known = list(names)
    if not any(fnmatchcase(name, pattern) for name in known):
        some = ", ".join(dict.fromkeys(name.split(".")[0] + ".*" for name in known))
        raise InputError(f"{key}: {pattern!r} matches no parameter of the network; there are, for example, {some}")


def _rate_and_decay(name: str, parameter: nn.Parameter, settings: AnyOptimizer) -> tuple[float, float]:
    is_matrix = parameter.ndim > 1
    decay = settings.weight_decay if is_matrix or settings.decay_norms_and_biases else 0.0
    rule = next((rule for rule in reversed(settings.rules) if fnmatchcase(name, rule.names)), None)
    if rule is None:
        return 1.0, decay
    return rule.rate, decay if rule.weight_decay is None else rule.weight_decay
