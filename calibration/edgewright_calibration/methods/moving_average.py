"""The smallest and largest value per image, averaged over the images with weight 0.95 on the past.

Source: Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference", arXiv:1806.08342; 0.95
is what ai-edge-quantizer, TFLite's quantiser, uses.
"""

from ..ranges import Range
from ..statistics import TensorStatistics


def moving_average(statistics: TensorStatistics) -> Range:
    """The only method whose result depends on the order of the images, which the seed decides.

    The end near zero of a tensor that never changes its sign is not averaged, as `clipped` does not cut it.
    """
    return Range(
        low=statistics.low if statistics.low >= 0 else statistics.moving_low,
        high=statistics.high if statistics.high <= 0 else statistics.moving_high,
    )
