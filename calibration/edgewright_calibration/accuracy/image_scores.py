"""What a network makes of every image of a data set, kept so that any resample of the images can be measured.

Letters: N images, K classes.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgewright_train.tasks.evaluation import Metric
from edgewright_train.tasks.segment.metric import Overlap

Weights = NDArray[np.int64]  # (N,) how often each image counts


class ImageScores(Protocol):
    """Of one network on one data set."""

    @property
    def metric(self) -> Metric: ...

    @property
    def num_images(self) -> int: ...

    def value(self, weights: Weights | None = None) -> float:
        """The metric, 0..1, with every image counted `weights` times; 0 where nothing is to be found."""


@dataclass(frozen=True)
class Ratio:
    """Top-1 accuracy, or micro F1: sums over the images, divided.  `parts`, `wholes`: (N,)."""

    metric: Metric
    parts: NDArray[np.int64]
    wholes: NDArray[np.int64]

    @property
    def num_images(self) -> int:
        return len(self.parts)

    def value(self, weights: Weights | None = None) -> float:
        counts = np.ones(self.num_images, np.int64) if weights is None else weights
        whole = int(counts @ self.wholes)
        return int(counts @ self.parts) / whole if whole else 0.0


@dataclass(frozen=True)
class MeanIou:
    """`confusions`: (N, K, K), truth by prediction, in pixels."""

    labels: tuple[str, ...]
    confusions: NDArray[np.int64]

    @property
    def metric(self) -> Metric:
        return "mIoU"

    @property
    def num_images(self) -> int:
        return len(self.confusions)

    def value(self, weights: Weights | None = None) -> float:
        counts = np.ones(self.num_images, np.int64) if weights is None else weights
        return Overlap(self.labels, np.tensordot(counts, self.confusions, 1)).mean_iou or 0.0
