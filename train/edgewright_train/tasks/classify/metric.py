"""How often a classifier is right: top-k accuracy for one class per image, F1 where an image may show several.

Counts are kept per class, so any number of images fits.  Letters: N images, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evaluation import Headline, InTotal
from ..precision_recall import NUM_THRESHOLDS, PrecisionRecall, reaching, score_bins

_TOP = 5
PROBABILITY_THRESHOLD = 0.5  # above it a class of a multi-label model counts as found


@dataclass(frozen=True)
class Accuracy:
    """Of one class per image.

    Attributes:
        labels: class names, K of them.
        num_images: (K,) int64 images of each class.
        num_top1, num_top5: (K,) int64 of those, where the class is the most probable, or among the first five.
    """

    labels: tuple[str, ...]
    num_images: NDArray[np.int64]
    num_top1: NDArray[np.int64]
    num_top5: NDArray[np.int64]

    @property
    def headline(self) -> Headline:
        return Headline("top1", self.top1)

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]:
        """None: an image has one class, found or not."""
        return ()

    @property
    def top1(self) -> float | None:
        return _ratio(self.num_top1.sum(), self.num_images.sum())

    @property
    def top5(self) -> float | None:
        """None with five classes or fewer, where it says nothing."""
        return _ratio(self.num_top5.sum(), self.num_images.sum()) if len(self.labels) > _TOP else None

    @property
    def per_class(self) -> list[float | None]:
        """Top-1 of the images of each class; None for a class without any."""
        return [_ratio(right, total) for right, total in zip(self.num_top1, self.num_images, strict=True)]

    def figures(self) -> dict[str, float | None]:
        return {"top1": self.top1, "top5": self.top5, "mean_class_accuracy": _mean(self.per_class)}

    def class_figures(self) -> dict[str, dict[str, float | None]]:
        return {
            label: {"top1": top1, "images": int(count)}
            for label, top1, count in zip(self.labels, self.per_class, self.num_images, strict=True)
        }


class AccuracyCount:
    """Counts towards `Accuracy`."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._counts = np.zeros((3, len(labels)), np.int64)  # images, top 1, top 5

    def update(self, probabilities: NDArray[np.float32], class_indices: NDArray[np.int64]) -> None:
        """(N, K) and (N,).  Of equal probabilities the lower class comes first; NaN comes last."""
        rank = _rank(probabilities, class_indices)
        counted = [class_indices[rank < limit] for limit in (len(self._labels), 1, _TOP)]
        self._counts += np.stack([np.bincount(indices, minlength=len(self._labels)) for indices in counted])

    def metrics(self, in_total: InTotal = np.copy) -> Accuracy:
        """`in_total` adds what other processes counted."""
        return Accuracy(self._labels, *in_total(self._counts))


@dataclass(frozen=True)
class F1Scores:
    """Of any number of classes per image, each found or not; F1 = 2 TP / (2 TP + FP + FN).

    Attributes:
        labels: class names, K of them.
        num_images: (K,) int64 images that show each class.
        num_found: (K,) int64 images in which the model finds it.
        num_right: (K,) int64 images where both hold.
        by_probability: (2, K, NUM_THRESHOLDS + 1) int64 images that do not show and that show a class, by `score_bins`.
    """

    labels: tuple[str, ...]
    num_images: NDArray[np.int64]
    num_found: NDArray[np.int64]
    num_right: NDArray[np.int64]
    by_probability: NDArray[np.int64]

    @property
    def headline(self) -> Headline:
        return Headline("F1", self.micro)

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]:
        wrong, right = reaching(self.by_probability)
        columns = (self.labels, right, wrong, self.by_probability.sum(2).T)
        return tuple(
            PrecisionRecall(label, int(shown), num_right, num_right + num_wrong, int(others))
            for label, num_right, num_wrong, (others, shown) in zip(*columns, strict=True)
        )

    @property
    def micro(self) -> float | None:
        """All classes counted together, so that each finding weighs the same."""
        return _ratio(2 * self.num_right.sum(), self.num_found.sum() + self.num_images.sum())

    @property
    def macro(self) -> float | None:
        """Mean over the classes that are shown or found anywhere."""
        return _mean(self.per_class)

    @property
    def per_class(self) -> list[float | None]:
        """None for a class that is neither shown nor found."""
        sums = self.num_found + self.num_images
        return [_ratio(2 * right, total) for right, total in zip(self.num_right, sums, strict=True)]

    def figures(self) -> dict[str, float | None]:
        return {
            "F1": self.micro,
            "macro_F1": self.macro,
            "precision": _ratio(self.num_right.sum(), self.num_found.sum()),
            "recall": _ratio(self.num_right.sum(), self.num_images.sum()),
        }

    def class_figures(self) -> dict[str, dict[str, float | None]]:
        columns = (self.labels, self.per_class, self.num_right, self.num_found, self.num_images)
        return {
            label: {
                "F1": f1,
                "precision": _ratio(right, found),
                "recall": _ratio(right, shown),
                "images": int(shown),
            }
            for label, f1, right, found, shown in zip(*columns, strict=True)
        }


class F1Count:
    """Counts towards `F1Scores`."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._counts = np.zeros((3, len(labels)), np.int64)  # shown, found, both
        self._by_probability = np.zeros((2, len(labels), NUM_THRESHOLDS + 1), np.int64)

    def update(self, probabilities: NDArray[np.float32], is_shown: NDArray[np.bool_]) -> None:
        """(N, K) both."""
        is_found = probabilities > PROBABILITY_THRESHOLD
        self._counts += np.stack([is_shown, is_found, is_shown & is_found]).sum(1)
        places = is_shown.astype(np.int64), np.arange(len(self._labels))[None], score_bins(probabilities)
        np.add.at(self._by_probability, places, 1)

    def metrics(self, in_total: InTotal = np.copy) -> F1Scores:
        """`in_total` adds what other processes counted."""
        shown, found, right = in_total(self._counts)
        return F1Scores(self._labels, shown, found, right, in_total(self._by_probability))


def _rank(probabilities: NDArray[np.float32], class_indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,): how many classes come before the right one."""
    num_classes = probabilities.shape[1]
    right = np.take_along_axis(probabilities, class_indices[:, None], 1)
    later = np.arange(num_classes) > class_indices[:, None]
    behind = (right > probabilities) | ((right == probabilities) & later)
    return np.asarray(num_classes - 1 - behind.sum(1))


def _ratio(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
