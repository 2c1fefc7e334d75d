"""How much of a metric is lost, and how sure that is: a paired bootstrap over the images.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13: percentile interval.  Both networks are
measured on the same resamples, as most of the spread of either is that of the images.
"""

from dataclasses import dataclass

import numpy as np

from .image_scores import ImageScores

_NUM_RESAMPLES = 500
_SEED = 20260101


@dataclass(frozen=True)
class Loss:
    """In units of the metric, 0..1; negative where the second network is better.

    Attributes:
        value: on the data set itself.
        low, high: 95 % interval.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired_loss(source: ImageScores, other: ImageScores) -> Loss:
    """Of `other` against `source`, both on the same images."""
    if source.num_images != other.num_images:
        raise ValueError(f"{source.num_images} and {other.num_images} images cannot be paired")
    generator, count = np.random.default_rng(_SEED), source.num_images
    losses = []
    for _ in range(_NUM_RESAMPLES):
        weights = np.bincount(generator.integers(0, count, count), minlength=count)
        losses.append(source.value(weights) - other.value(weights))
    low, high = np.percentile(losses, (2.5, 97.5))
    return Loss(source.value() - other.value(), float(low), float(high))
