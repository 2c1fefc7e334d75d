"""What is remembered of one tensor over all calibration images: one pass, in memory that does not grow.

The histogram is exact.  Its bins are 2^k wide for a whole k and start at zero; when a value does not fit, pairs of
neighbours become one bin of twice the width, which gives the counts that this width would have given from the start.
So everything but the moving averages is the same in whatever order the images come.
"""

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgewright_train.errors import CheckError

BINS_PER_SIGN = 8192
MOVING_AVERAGE_DECAY = 0.95

_LOG2_BINS = BINS_PER_SIGN.bit_length() - 1
_SMALLEST_EXPONENT = -120  # its reciprocal is still a float32


class TensorStatistics:
    """Of the values of one node, image after image.

    Attributes:
        name: the node's.
        num_images: seen so far.
        values_per_image: elements of the tensor, the same for every image.
        num_zeros: values that are exactly zero.
        low, high: the smallest and the largest value of all.
        moving_low, moving_high: smallest and largest value per image, averaged with weight 0.95 on the past, as
            TFLite's calibrators do; the first image is where they start.
        counts: (2 * BINS_PER_SIGN,) int64.  Bin BINS_PER_SIGN + k holds values in [k, k + 1) * bin_width, bin
            BINS_PER_SIGN - 1 - k those in (-k - 1, -k] * bin_width that are below zero.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.num_images = self.values_per_image = self.num_zeros = 0
        self.low, self.high = math.inf, -math.inf
        self.moving_low = self.moving_high = math.nan
        self.counts: NDArray[np.int64] = np.zeros(2 * BINS_PER_SIGN, np.int64)
        self._exponent = _SMALLEST_EXPONENT

    @property
    def bin_width(self) -> float:
        return 2.0**self._exponent

    @property
    def num_values(self) -> int:
        return self.num_images * self.values_per_image

    @property
    def largest_magnitude(self) -> float:
        return max(abs(self.low), abs(self.high))

    def magnitudes(self) -> NDArray[np.int64]:
        """(BINS_PER_SIGN,): how many |x| lie in [k, k + 1) * bin_width, zeros left out."""
        folded = self.counts[BINS_PER_SIGN:] + self.counts[BINS_PER_SIGN - 1 :: -1]
        folded[0] -= self.num_zeros
        return folded

    def update(self, values: Tensor, image: str) -> None:
        """Add one image's values, any shape, float32.  Raises `CheckError` naming node and image for NaN, infinity."""
        flat = np.ascontiguousarray(values.detach().numpy(), np.float32).reshape(-1)
        assert flat.size > 0, self.name
        assert self.num_images == 0 or flat.size == self.values_per_image, self.name
        low, high = float(flat.min()), float(flat.max())  # NaN if there is one
        if not (math.isfinite(low) and math.isfinite(high)):
            raise CheckError(f"node {self.name!r} is not finite on calibration image {image!r}: NaN or infinity")
        self._make_room(max(abs(low), abs(high)))
        self._count(flat, signed=low < 0)
        self.num_zeros += flat.size - int(np.count_nonzero(flat))
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.moving_low = low if self.num_images == 0 else _averaged(self.moving_low, low)
        self.moving_high = high if self.num_images == 0 else _averaged(self.moving_high, high)
        self.values_per_image = flat.size
        self.num_images += 1

    def _make_room(self, magnitude: float) -> None:
        """Double the bins until `magnitude` lies below the end of the last one."""
        needed = math.frexp(magnitude)[1] - _LOG2_BINS if magnitude > 0 else _SMALLEST_EXPONENT
        while self._exponent < needed:
            if self.num_images == 0:
                self._exponent = needed
                break
            merged = self.counts.reshape(-1, 2).sum(1)
            self.counts[:] = 0
            self.counts[BINS_PER_SIGN // 2 : BINS_PER_SIGN * 3 // 2] = merged
            self._exponent += 1

    def _count(self, flat: NDArray[np.float32], *, signed: bool) -> None:
        """Scaling by a power of two is exact, and so is cutting the fraction off."""
        inverse = np.float32(2.0**-self._exponent)
        if not signed:
            bins = (flat * inverse).astype(np.int32)
            self.counts[BINS_PER_SIGN:] += np.bincount(bins, minlength=BINS_PER_SIGN)
            return
        bins = (np.abs(flat) * inverse).astype(np.int32)
        bins = np.where(flat < 0, BINS_PER_SIGN - 1 - bins, BINS_PER_SIGN + bins)
        self.counts += np.bincount(bins, minlength=2 * BINS_PER_SIGN)


def _averaged(past: float, new: float) -> float:
    return MOVING_AVERAGE_DECAY * past + (1 - MOVING_AVERAGE_DECAY) * new
