"""How well label maps fit the truth: intersection over union, from one confusion matrix over all images.

Letters: K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.dataset import IGNORED
from ..evaluation import Headline, InTotal
from ..precision_recall import PrecisionRecall


@dataclass(frozen=True)
class Overlap:
    """Pixels of all images, `IGNORED` ones left out.

    Attributes:
        labels: class names, K of them.
        confusion: (K, K) int64 pixels by their class in the truth (row) and in the label map (column).
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]

    @property
    def headline(self) -> Headline:
        return Headline("mIoU", self.mean_iou)

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]:
        """None: a label map has no scores."""
        return ()

    @property
    def intersection(self) -> NDArray[np.int64]:
        """(K,) pixels that are of the class in both."""
        return np.diagonal(self.confusion)

    @property
    def union(self) -> NDArray[np.int64]:
        """(K,) pixels that are of the class in either."""
        return self.confusion.sum(0) + self.confusion.sum(1) - self.intersection

    @property
    def iou(self) -> list[float | None]:
        """Per class; None for one that occurs neither in the truth nor in any label map."""
        pairs = zip(self.intersection, self.union, strict=True)
        return [float(inside / both) if both else None for inside, both in pairs]

    @property
    def mean_iou(self) -> float | None:
        """Over the classes that occur in the truth or in a label map."""
        known = [value for value in self.iou if value is not None]
        return float(np.mean(known)) if known else None

    @property
    def pixel_accuracy(self) -> float | None:
        total = self.confusion.sum()
        return float(self.intersection.sum() / total) if total else None

    def figures(self) -> dict[str, float | None]:
        return {"mIoU": self.mean_iou, "pixel_accuracy": self.pixel_accuracy}

    def class_figures(self) -> dict[str, dict[str, float | None]]:
        columns = (self.labels, self.iou, self.confusion.sum(1))
        return {label: {"IoU": iou, "pixels": int(pixels)} for label, iou, pixels in zip(*columns, strict=True)}


class OverlapCount:
    """Counts towards `Overlap`."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        num_classes = len(labels)
        # Pixels go to bin row * K + column; those that do not count to a row of their own behind the matrix.
        self._first_bin = np.full(256, num_classes * num_classes, np.int32)
        self._first_bin[:num_classes] = np.arange(num_classes) * num_classes
        self._confusion = np.zeros((num_classes, num_classes), np.int64)

    def update(self, truth: NDArray[np.uint8], labels: NDArray[np.uint16]) -> None:
        """(h, w) class indices both, the truth's below K or `IGNORED`.  Raises `ValueError` for any others."""
        num_classes = len(self._labels)
        if truth.shape != labels.shape:
            raise ValueError(f"labels: {labels.shape} pixels, the truth has {truth.shape}")
        if labels.size and labels.max() >= num_classes:
            raise ValueError(f"labels: class {labels.max()} is not one of the {num_classes}")
        bins = self._first_bin[truth] + labels
        counts = np.bincount(bins.reshape(-1), minlength=(num_classes + 1) * num_classes)
        counted = counts[: num_classes * num_classes].reshape(num_classes, num_classes)
        if counts[num_classes * num_classes :].sum() != np.count_nonzero(truth == IGNORED):
            raise ValueError(f"truth: class {truth[truth != IGNORED].max()} is not one of the {num_classes}")
        self._confusion += counted

    def metrics(self, in_total: InTotal = np.copy) -> Overlap:
        """`in_total` adds what other processes counted."""
        return Overlap(self._labels, in_total(self._confusion))
