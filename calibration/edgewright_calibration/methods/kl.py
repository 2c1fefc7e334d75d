"""The threshold whose 128 levels tell least from the distribution of magnitudes that they stand for.

Source: Migacz 2017, "8-bit Inference with TensorRT" (GTC), in the formulation of ncnn's ncnn2table: magnitudes without
zeros in 2048 bins up to the largest, 128 levels, 1e-4 added to every bin; of equal divergences the first counts.
"""

import numpy as np
from numpy.typing import NDArray

from ..ranges import Range
from ..statistics import BINS_PER_SIGN, TensorStatistics
from .method import clipped

NUM_BINS = 2048
NUM_LEVELS = 128
_EPSILON = 1e-4


def kl(statistics: TensorStatistics) -> Range:
    """ncnn's bins end at the largest magnitude, ours at a power of two: a bin of ours is shared out between theirs."""
    histogram = _ncnn_bins(statistics)
    if not histogram.any():
        return Range(low=statistics.low, high=statistics.high)
    kept = NUM_LEVELS + int(np.argmin(divergences(histogram / histogram.sum())))
    return clipped(statistics, (kept + 0.5) * statistics.largest_magnitude / NUM_BINS)


def _ncnn_bins(statistics: TensorStatistics) -> NDArray[np.float64]:
    below = np.concatenate(([0], np.cumsum(statistics.magnitudes()))).astype(np.float64)
    ends = np.arange(NUM_BINS + 1) * (statistics.largest_magnitude / NUM_BINS / statistics.bin_width)
    below_ends = np.interp(ends, np.arange(BINS_PER_SIGN + 1), below)
    below_ends[-1] = below[-1]  # the rest of the bin that the largest magnitude is in
    return np.diff(below_ends)


def divergences(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2048,) shares of magnitudes -> (1920,) Kullback-Leibler divergences, of keeping the first 128, 129 ... bins.

    Keeping T bins compares P, those bins with the tail added to the last, with Q, in which each of 128 groups of
    T/128 neighbours has its mean.  A bin that two groups share takes from both, as much as of it lies in each.  All T
    are computed at once, from cumulative sums at the limits of the groups.
    """
    kept = np.arange(NUM_LEVELS, NUM_BINS)  # T
    limits = kept[:, None] * np.arange(NUM_LEVELS + 1) / NUM_LEVELS  # [T, 129], exact
    first, last = np.ceil(limits[:, :-1]).astype(int), np.floor(limits[:, 1:]).astype(int)  # of whole bins in a group
    cumulative = np.concatenate(([0.0], np.cumsum(p)))
    below = np.interp(limits, np.arange(NUM_BINS + 1), cumulative)
    means = np.diff(below) / (kept[:, None] / NUM_LEVELS)  # [T, 128]

    tails = 1 - cumulative[kept]
    log_means = np.log(means + _EPSILON)
    smoothed = p + _EPSILON
    smoothed_below = np.concatenate(([0.0], np.cumsum(smoothed)))
    cross = ((smoothed_below[last] - smoothed_below[first]) * log_means).sum(1)  # sum of P log Q over whole bins
    cross += tails * log_means[:, -1]  # the last bin is whole, and in the last group

    inner = limits[:, 1:-1]
    shared = np.floor(inner).astype(int)
    left = inner - shared  # of the shared bin; 0: no bin is shared here
    mixed = left * means[:, :-1] + (1 - left) * means[:, 1:] + _EPSILON
    cross += np.where(left > 0, smoothed[shared] * np.log(mixed), 0).sum(1)

    entropy_below = np.concatenate(([0.0], np.cumsum(smoothed * np.log(smoothed))))
    last_bins = smoothed[kept - 1] + tails
    own = entropy_below[kept - 1] + last_bins * np.log(last_bins)  # sum of P log P
    return own - cross
