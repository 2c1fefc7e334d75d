"""What a method of calibration is, and what those that cut tails off have in common."""

from typing import Protocol

from ..ranges import Range
from ..statistics import TensorStatistics


class Method(Protocol):
    """Chooses which real values the codes of a tensor shall cover."""

    def __call__(self, statistics: TensorStatistics) -> Range:
        """Within [low, high] of the statistics; an end that is not cut off is exactly the smallest or largest value."""


def clipped(statistics: TensorStatistics, threshold: float) -> Range:
    """What is left of [low, high] between -threshold and threshold.

    A tensor that never changes its sign keeps its end near zero: every grid holds zero, so cutting there gains
    nothing.  If not even that end is within the threshold, there is no tail to cut off.
    """
    low, high = statistics.low, statistics.high
    nearest = max(low, -high, 0.0)
    if threshold <= nearest:
        return Range(low=low, high=high)
    return Range(low=max(low, -threshold), high=min(high, threshold))
