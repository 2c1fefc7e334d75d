"""What every loss gives, whatever the task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Term = Literal["box", "objectness", "classification", "dice", "distillation"]


@dataclass(frozen=True)
class Loss:
    """Scalars: `terms` are already weighted, `total` is their sum."""

    total: Tensor
    terms: Mapping[Term, Tensor]
