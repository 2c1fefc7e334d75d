"""The threshold that makes the mean squared error of the rounded values smallest.

Source: Nagel et al. 2021, "A White Paper on Neural Network Quantization", arXiv:2106.08295, section 3.1 (MSE range).
"""

import numpy as np
from numpy.typing import NDArray

from ..grid import asymmetric_grid
from ..ranges import Range
from ..statistics import BINS_PER_SIGN, TensorStatistics
from .method import clipped

_COARSE = tuple(2.0 ** (-step / 8) for step in range(65))  # down to 1/256 of the largest magnitude
_FINE = tuple(2.0 ** (step / 64) for step in range(-7, 8))  # between two coarse ones


def mse(statistics: TensorStatistics) -> Range:
    """On the 256 values of an asymmetric grid; a bin counts as values at its middle, zeros have no error.

    Thresholds are tried from the largest magnitude down in steps of 2^(1/8), then around the best in 2^(1/64).
    Of two equally good ones the larger is taken.
    """
    values, counts = _weighted_values(statistics)
    if not len(values):
        return Range(low=statistics.low, high=statistics.high)

    def best(thresholds: list[float]) -> float:
        errors = [_error(values, counts, clipped(statistics, threshold)) for threshold in thresholds]
        return thresholds[int(np.argmin(errors))]

    largest = statistics.largest_magnitude
    coarse = best([largest * factor for factor in _COARSE])
    return clipped(statistics, best([min(coarse * factor, largest) for factor in reversed(_FINE)]))


def _weighted_values(statistics: TensorStatistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middles of the bins that hold anything but zeros, and their counts."""
    counts = statistics.counts.copy()
    counts[BINS_PER_SIGN] -= statistics.num_zeros
    (filled,) = counts.nonzero()
    values = (filled - BINS_PER_SIGN + 0.5) * statistics.bin_width
    return np.clip(values, statistics.low, statistics.high), counts[filled].astype(np.float64)


def _error(values: NDArray[np.float64], counts: NDArray[np.float64], span: Range) -> float:
    """The sum over all values of (value - rounded value)^2."""
    grid = asymmetric_grid(span.low, span.high)
    codes = np.clip(np.rint(values / grid.scale), grid.low - grid.zero_point, grid.high - grid.zero_point)
    return float(counts @ np.square(codes * grid.scale - values))
