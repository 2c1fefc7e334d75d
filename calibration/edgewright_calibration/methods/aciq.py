"""The threshold that would be best, were the values Gaussian or Laplacian.

Source: Banner et al. 2019, "Post-training 4-bit quantization of convolution networks for rapid-deployment" (ACIQ),
arXiv:1810.05723: the expected squared error of clipping and rounding, minimised over the threshold.
"""

import math

import numpy as np

from ..ranges import Range
from ..statistics import BINS_PER_SIGN, TensorStatistics
from .method import clipped

# Thresholds in units of the standard deviation (Gaussian) and of the mean magnitude (Laplacian) for 256 levels over
# both signs, and for 512, of which a tensor of one sign has its 256.
GAUSSIAN_256, GAUSSIAN_512 = 3.924035, 4.216330
LAPLACIAN_256, LAPLACIAN_512 = 9.896760, 11.162685

_GAUSSIAN_RATIO = math.sqrt(2 / math.pi)  # mean magnitude / root mean square
_LAPLACIAN_RATIO = math.sqrt(1 / 2)


def aciq(statistics: TensorStatistics) -> Range:
    """Moments are those of the magnitudes, zeros left out: after a ReLU, half of a distribution around zero.

    The distribution is the one whose ratio of mean magnitude to root mean square is nearer.
    """
    magnitudes = statistics.magnitudes()
    total = int(magnitudes.sum())
    if total == 0:
        return Range(low=statistics.low, high=statistics.high)
    middles = (np.arange(BINS_PER_SIGN) + 0.5) * statistics.bin_width
    mean = float(magnitudes @ middles) / total
    root_mean_square = math.sqrt(float(magnitudes @ np.square(middles)) / total)
    one_sided = statistics.low >= 0 or statistics.high <= 0
    if mean / root_mean_square > (_GAUSSIAN_RATIO + _LAPLACIAN_RATIO) / 2:
        return clipped(statistics, root_mean_square * (GAUSSIAN_512 if one_sided else GAUSSIAN_256))
    return clipped(statistics, mean * (LAPLACIAN_512 if one_sided else LAPLACIAN_256))
