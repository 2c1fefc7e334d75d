"""The values an int8 tensor can hold, and which of them a number becomes."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from edgewright_train.schema import Record

Rounding = Literal["half_even", "half_away"]

Step = Callable[[float], float]  # wanted step -> one that the target can store

_SMALLEST_SCALE = 2.0**-120  # its reciprocal, and products of two, are still float32
_SMALLEST_HALF = 2.0**-14  # of those that no device takes for zero


class Grid(Record):
    """Real value = scale * (code - zero_point), low <= code <= high.

    Attributes:
        scale: the step, in the tensor's own unit; exactly a float32.
    """

    scale: float = Field(gt=0)
    zero_point: int = Field(ge=-128, le=127)
    low: int = Field(ge=-128, le=127)
    high: int = Field(ge=-128, le=127)

    @model_validator(mode="after")
    def _can_hold_zero(self) -> "Grid":
        if not self.low <= self.zero_point <= self.high:
            raise ValueError(f"zero_point {self.zero_point} is not in {self.low}..{self.high}")
        return self

    def quantise(self, values: Tensor, rounding: Rounding = "half_even") -> Tensor:
        """Codes as float64, of any shape; what is beyond the ends becomes the nearest end."""
        codes = round_to_integer(values.double() / self.scale, rounding) + self.zero_point
        return codes.clamp(self.low, self.high)

    def dequantise(self, codes: Tensor) -> Tensor:
        """Real values as float64."""
        return (codes - self.zero_point) * self.scale


def symmetric_grid(low: float, high: float) -> Grid:
    """Codes -127..127 without offset: what NCNN computes with, and all targets keep weights in."""
    return Grid(scale=as_float32(max(abs(low), abs(high)) / 127), zero_point=0, low=-127, high=127)


def half_grid(low: float, high: float) -> Grid:
    """`asymmetric_grid` with a step of half precision."""
    return asymmetric_grid(low, high, as_half)


def asymmetric_grid(low: float, high: float, step: Step | None = None) -> Grid:
    """Codes -128..127 over [low, high], which is widened to hold zero; zero is exactly one of the values."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (step or as_float32)((high - low) / 255)
    return Grid(scale=scale, zero_point=max(-128, min(127, round(-128 - low / scale))), low=-128, high=127)


def as_float32(value: float) -> float:
    """The nearest float32, at least 2^-120: a tensor that is always zero needs a step as well."""
    return max(float(torch.tensor(value, dtype=torch.float32)), _SMALLEST_SCALE)


def as_half(value: float) -> float:
    """The next larger half-precision number, so that codes still reach what they did; at least 2^-14, at most 65504."""
    half = np.float16(min(value, 65504))
    if half < value:
        half = np.nextafter(half, np.float16(65504))
    return max(float(half), _SMALLEST_HALF)


def round_to_integer(values: Tensor, rounding: Rounding) -> Tensor:
    """Ties go to the even neighbour, or away from zero."""
    if rounding == "half_even":
        return values.round()
    return torch.where(values < 0, (values - 0.5).ceil(), (values + 0.5).floor())
