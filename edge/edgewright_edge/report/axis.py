"""Linear axes with round numbers on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Tick:
    """`at` is in units of the drawing."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` onto drawing units from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, wanted: int) -> tuple[Tick, ...]:
        """About `wanted` multiples of 1, 2 or 5 times a power of ten."""
        step = _step((self.high - self.low) / wanted)
        first, last = ceil(self.low / step - 1e-6), floor(self.high / step + 1e-6)
        digits = max(0, -floor(log10(step)))
        return tuple(Tick(self(n * step), _number(n * step, digits)) for n in range(first, last + 1))


def axis(values: Iterable[float], start: float, end: float, *, from_zero: bool, least_span: float = 0.0) -> Axis:
    """Covers all values, some room around them, and at least `least_span`; `values` is not empty."""
    known = list(values)
    low, high = min(known), max(known)
    span = max(high - low, least_span, abs(high) * 1e-3, 1e-9)
    middle = (low + high) / 2
    low, high = min(low, middle - span / 2) - span * 0.06, max(high, middle + span / 2) + span * 0.06
    return Axis(0.0 if from_zero else low, high, start, end)


def _step(rough: float) -> float:
    power: float = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _number(value: float, digits: int) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    text = f"{value:.{digits}f}"
    return text if float(text) else "0"
