"""Paired ratios: what is left of a comparison when the load of the machine has hit both sides alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_TAILS = 40  # of 2.5 % each: two of them are outside an interval of 95 %


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds' ratios, and its interval; below 1: less than the reference."""

    median: float
    low: float
    high: float


def paired_ratio(costs: Sequence[float], reference: Sequence[float]) -> Ratio:
    """Of two series over the same rounds, both positive.

    The interval holds the median with 95 % by order statistics (Conover 1999, section 3.2), whatever the distribution.
    Fewer than six rounds cannot give that much: it is then the whole range.
    """
    ratios = sorted(ours / theirs for ours, theirs in zip(costs, reference, strict=True))
    rank = _rank(len(ratios))
    return Ratio(median(ratios), ratios[rank], ratios[-1 - rank])


def _rank(count: int) -> int:
    """How many values may be left out at either end: the number of heads of so many coins is smaller in 2.5 %."""
    rank, below = 0, 1
    while _TAILS * (below + math.comb(count, rank + 1)) <= 2**count:
        rank += 1
        below += math.comb(count, rank)
    return rank
