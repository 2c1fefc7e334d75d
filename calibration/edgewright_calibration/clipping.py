"""How much a method cuts off."""

from collections.abc import Iterable, Mapping

import numpy as np

from .ranges import Range
from .statistics import BINS_PER_SIGN, TensorStatistics


def clipped_share(statistics: Iterable[TensorStatistics], ranges: Mapping[str, Range]) -> float:
    """Of all values of all nodes, those in bins that lie wholly outside of their node's range."""
    num_clipped = num_values = 0
    for each in statistics:
        num_clipped += num_outside(each, ranges[each.name])
        num_values += each.num_values
    return num_clipped / num_values


def num_outside(statistics: TensorStatistics, span: Range) -> int:
    """Values beyond an end of `span`, counted by whole bins."""
    lower_ends = np.arange(-BINS_PER_SIGN, BINS_PER_SIGN) * statistics.bin_width
    below = lower_ends + statistics.bin_width <= span.low
    above = lower_ends >= span.high
    if span.low <= statistics.low:
        below[:] = False
    if span.high >= statistics.high:
        above[:] = False
    return int(statistics.counts[below | above].sum())
