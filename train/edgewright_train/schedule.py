"""The learning rate as a pure function of the step, so that a resumed run needs no schedule state."""

import math
from typing import Annotated, Literal

from pydantic import Field

from .schema import Record


class _WarmUp(Record):
    """Epochs over which the rate rises from 0 as (step / warm-up steps) ** power."""

    warmup_epochs: Annotated[float, Field(ge=0)]
    warmup_power: Annotated[float, Field(gt=0)]


class Cosine(_WarmUp):
    """After the warm-up half a cosine, from the full rate to `final_fraction` of it at the last step."""

    kind: Literal["cosine"]
    final_fraction: Annotated[float, Field(ge=0, le=1)]


class MultiStep(_WarmUp):
    """The full rate, times `gamma` from each epoch in `milestones` on."""

    kind: Literal["multistep"]
    milestones: tuple[Annotated[int, Field(ge=1)], ...]
    gamma: Annotated[float, Field(gt=0, le=1)]


class Hybrid(_WarmUp):
    """By epochs: one at the full rate, then cycles that start at `cycle` times it and fall by 1, then a line to 0.

    Source: sacmehta/EdgeNets.

    Attributes:
        cyclic_epochs: how many there are before the line, which starts from the full rate at the last of them.
    """

    kind: Literal["hybrid"]
    cycle: Annotated[int, Field(ge=1, le=100)]
    cyclic_epochs: Annotated[int, Field(ge=1)]


AnySchedule = Cosine | MultiStep | Hybrid
Schedule = Annotated[AnySchedule, Field(discriminator="kind")]


def rate_factor(schedule: AnySchedule, step: int, *, steps_per_epoch: int, num_steps: int) -> float:
    """What to multiply the base learning rate with at `step` (from 0) of `num_steps`."""
    warmup_steps = round(schedule.warmup_epochs * steps_per_epoch)
    if step < warmup_steps:
        return (step / warmup_steps) ** schedule.warmup_power
    if isinstance(schedule, MultiStep):
        return schedule.gamma ** sum(step >= epoch * steps_per_epoch for epoch in schedule.milestones)
    if isinstance(schedule, Hybrid):
        return _hybrid(schedule, step // steps_per_epoch, num_steps / steps_per_epoch)
    done = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return schedule.final_fraction + (1 - schedule.final_fraction) * (1 + math.cos(math.pi * done)) / 2


def _hybrid(schedule: Hybrid, epoch: int, num_epochs: float) -> float:
    if epoch == 0:
        return 1.0
    if epoch < schedule.cyclic_epochs:
        return float(schedule.cycle - (epoch - 1) % schedule.cycle)
    last_cyclic = schedule.cyclic_epochs - 1
    return 1 - (epoch - last_cyclic) / (num_epochs - last_cyclic)
