"""Everything that was seen.

Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", arXiv:1712.05877, section 3.
"""

from ..ranges import Range
from ..statistics import TensorStatistics


def min_max(statistics: TensorStatistics) -> Range:
    """Nothing is clipped; one outlier makes all steps coarse."""
    return Range(low=statistics.low, high=statistics.high)
