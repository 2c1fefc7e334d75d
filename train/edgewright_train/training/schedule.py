"""The learning rate as a pure function of the step, so that a resumed run needs no schedule state."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from ..schema import Record

Fraction = Annotated[float, Field(ge=0, le=1)]


class _WarmUp(Record):
    """Epochs over which the rate rises from 0 as (step / warm-up steps) ** power."""

    warmup_epochs: Annotated[float, Field(ge=0)]
    warmup_power: Annotated[float, Field(gt=0)]


class Constant(_WarmUp):
    """The full rate to the end."""

    kind: Literal["constant"]


class Cosine(_WarmUp):
    """After the warm-up half a cosine, from the full rate to `final_fraction` of it at the last step."""

    kind: Literal["cosine"]
    final_fraction: Fraction


class Linear(_WarmUp):
    """After the warm-up a line from the full rate to `final_fraction` of it at the last step."""

    kind: Literal["linear"]
    final_fraction: Fraction


class Polynomial(_WarmUp):
    """After the warm-up (1 - done) ** power, from the full rate to 0 at the last step."""

    kind: Literal["polynomial"]
    power: Annotated[float, Field(gt=0)]


class Exponential(_WarmUp):
    """After the warm-up the full rate, times `gamma` for every epoch, spread evenly over its steps."""

    kind: Literal["exponential"]
    gamma: Annotated[float, Field(gt=0, le=1)]


class MultiStep(_WarmUp):
    """The full rate, times `gamma` from each epoch in `milestones` on."""

    kind: Literal["multistep"]
    milestones: tuple[Annotated[int, Field(ge=1)], ...]
    gamma: Annotated[float, Field(gt=0, le=1)]


class _Cycles(_WarmUp):
    """By epochs: one at the full rate, then cycles that start at `cycle` times it and fall by 1.

    Source: sacmehta/EdgeNets.
    """

    cycle: Annotated[int, Field(ge=1, le=100)]


class Cyclic(_Cycles):
    """The cycles, times `gamma` from each epoch in `milestones` on."""

    kind: Literal["cyclic"]
    milestones: tuple[Annotated[int, Field(ge=1)], ...]
    gamma: Annotated[float, Field(gt=0, le=1)]


class Hybrid(_Cycles):
    """The cycles, then a line to 0.

    Attributes:
        cyclic_epochs: how many there are before the line, which starts from the full rate at the last of them.
    """

    kind: Literal["hybrid"]
    cyclic_epochs: Annotated[int, Field(ge=1)]


AnySchedule = Constant | Cosine | Linear | Polynomial | Exponential | MultiStep | Cyclic | Hybrid
Schedule = Annotated[AnySchedule, Field(discriminator="kind")]


def rate_factor(schedule: AnySchedule, step: int, *, steps_per_epoch: int, num_steps: int) -> float:
    """What to multiply the base learning rate with at `step` (from 0) of `num_steps`."""
    warmup_steps = round(schedule.warmup_epochs * steps_per_epoch)
    if step < warmup_steps:
        return float((step / warmup_steps) ** schedule.warmup_power)
    if schedule.kind in _BY_EPOCH:
        return _BY_EPOCH[schedule.kind](schedule, step // steps_per_epoch, num_steps / steps_per_epoch)
    if isinstance(schedule, Exponential):
        return float(schedule.gamma ** ((step - warmup_steps) / steps_per_epoch))
    done = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return _FALLING[schedule.kind](schedule, done)


def _multistep(schedule: MultiStep | Cyclic, epoch: int, num_epochs: float) -> float:
    return float(schedule.gamma ** sum(epoch >= milestone for milestone in schedule.milestones))


def _cyclic(schedule: Cyclic, epoch: int, num_epochs: float) -> float:
    return _cycles(schedule, epoch) * _multistep(schedule, epoch, num_epochs)


def _hybrid(schedule: Hybrid, epoch: int, num_epochs: float) -> float:
    if epoch < schedule.cyclic_epochs:
        return _cycles(schedule, epoch)
    last_cyclic = schedule.cyclic_epochs - 1
    return 1 - (epoch - last_cyclic) / (num_epochs - last_cyclic)


def _cycles(schedule: _Cycles, epoch: int) -> float:
    return float(schedule.cycle - (epoch - 1) % schedule.cycle) if epoch else 1.0


def _cosine(schedule: Cosine, done: float) -> float:
    return schedule.final_fraction + (1 - schedule.final_fraction) * (1 + math.cos(math.pi * done)) / 2


def _linear(schedule: Linear, done: float) -> float:
    return 1 - (1 - schedule.final_fraction) * done


def _polynomial(schedule: Polynomial, done: float) -> float:
    return float(max(0.0, 1 - done) ** schedule.power)


_BY_EPOCH: dict[str, Callable[[Any, int, float], float]] = {
    "multistep": _multistep,
    "cyclic": _cyclic,
    "hybrid": _hybrid,
}
_FALLING: dict[str, Callable[[Any, float], float]] = {
    "constant": lambda schedule, done: 1.0,
    "cosine": _cosine,
    "linear": _linear,
    "polynomial": _polynomial,
}
