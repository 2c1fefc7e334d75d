"""A threshold below which 99.99 % of all magnitudes lie.

Source: Wu et al. 2020, "Integer Quantization for Deep Learning Inference: Principles and Empirical Evaluation",
arXiv:2004.09602, section 5.1; 99.99 % is the one of their percentiles that lost least over all their networks.
"""

import numpy as np

from ..ranges import Range
from ..statistics import TensorStatistics
from .method import clipped

_ONE_IN = 10_000  # magnitudes that may lie above


def percentile(statistics: TensorStatistics) -> Range:
    """By nearest rank, zeros counted; the threshold is the upper end of the bin that holds it."""
    magnitudes = statistics.magnitudes()
    magnitudes[0] += statistics.num_zeros
    rank = statistics.num_values - statistics.num_values // _ONE_IN
    bin_index = int(np.searchsorted(np.cumsum(magnitudes), rank))
    return clipped(statistics, (bin_index + 1) * statistics.bin_width)
