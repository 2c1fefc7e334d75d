"""AP50 from detections that were matched once, as pycocotools matches them, for any resample of the images.

The evaluation proper is faster-coco-eval's; this gives the same value (tests/calibration) and can be asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright_train.data.dataset import Annotation
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.evaluation import Metric

_IOU = 0.5
_MAX_DETECTIONS = 100  # of one class in one image
_RECALLS = np.linspace(0, 1, 101)

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """One image: M detections that count, and G objects to be found.

    Attributes:
        classes, scores, is_right: (M,) of the detections; those that only met a crowd are left out.
        truth_classes: (G,) crowds left out.
    """

    classes: NDArray[np.int64]
    scores: NDArray[np.float32]
    is_right: NDArray[np.bool_]
    truth_classes: NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """All images: an `ImageScores` of AP50.

    Attributes:
        by_class: for each class the image, and whether it is right, of its detections by descending score.
        num_truths: (N, K) objects.
    """

    by_class: tuple[tuple[NDArray[np.int64], NDArray[np.bool_]], ...]
    num_truths: NDArray[np.int64]

    @classmethod
    def join(cls, images: Sequence[Matched], *, num_classes: int) -> "Matches":
        classes = np.concatenate([image.classes for image in images])
        scores = np.concatenate([image.scores for image in images])
        is_right = np.concatenate([image.is_right for image in images])
        owners = np.repeat(np.arange(len(images)), [len(image.classes) for image in images])
        by_class = []
        for index in range(num_classes):
            chosen = np.flatnonzero(classes == index)
            order = chosen[np.argsort(-scores[chosen], kind="stable")]
            by_class.append((owners[order], is_right[order]))
        truths = np.stack([np.bincount(image.truth_classes, minlength=num_classes) for image in images])
        return cls(tuple(by_class), truths)

    @property
    def metric(self) -> Metric:
        return "AP50"

    @property
    def num_images(self) -> int:
        return len(self.num_truths)

    def value(self, weights: NDArray[np.int64] | None = None) -> float:
        """Mean over the classes that there is anything of, 0 where there is nothing."""
        counts = np.ones(self.num_images, np.int64) if weights is None else weights
        totals = counts @ self.num_truths
        found = [
            _average_precision(counts[owners], is_right, int(totals[index]))
            for index, (owners, is_right) in enumerate(self.by_class)
            if totals[index]
        ]
        return float(np.mean(found)) if found else 0.0


def match_image(annotation: Annotation, detections: Detections) -> Matched:
    """Class by class; the strongest detection chooses first, and takes an object before a crowd."""
    kept: list[NDArray[np.int64]] = []
    is_right: list[bool] = []
    for index in np.unique(detections.class_indices):
        own = np.flatnonzero(detections.class_indices == index)
        own = own[np.argsort(-detections.scores[own], kind="stable")][:_MAX_DETECTIONS]
        truth = np.flatnonzero(annotation.class_indices == index)
        truth = truth[np.argsort(annotation.is_crowd[truth], kind="stable")]
        outcomes = _match(
            detections.boxes_xyxy[own].astype(np.float64),
            annotation.boxes_xyxy[truth].astype(np.float64),
            annotation.is_crowd[truth],
        )
        counts = np.array([outcome is not None for outcome in outcomes], np.bool_)
        kept.append(own[counts])
        is_right += [bool(outcome) for outcome in outcomes if outcome is not None]
    rows = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    return Matched(
        classes=detections.class_indices[rows].astype(np.int64),
        scores=detections.scores[rows],
        is_right=np.array(is_right, np.bool_),
        truth_classes=annotation.class_indices[~annotation.is_crowd],
    )


def _match(found: Boxes, truth: Boxes, is_crowd: NDArray[np.bool_]) -> list[bool | None]:
    """For each detection: right, wrong, or None where it only met a crowd.  Objects come before crowds."""
    overlaps = _overlaps(found, truth, is_crowd)
    free = np.ones(len(truth), np.bool_)
    outcomes: list[bool | None] = []
    for row in overlaps:
        chosen = _best(np.where(free & ~is_crowd, row, 0))
        if chosen is not None:
            free[chosen] = False
            outcomes.append(True)
        else:
            outcomes.append(None if _best(np.where(is_crowd, row, 0)) is not None else False)
    return outcomes


def _best(overlaps: NDArray[np.float64]) -> int | None:
    """The last of those that overlap most, if that is enough."""
    if not len(overlaps) or overlaps.max() < _IOU:
        return None
    return int(np.flatnonzero(overlaps == overlaps.max())[-1])


def _overlaps(found: Boxes, truth: Boxes, is_crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(M, G) intersection over union; over the detection's own area where the truth is a crowd."""
    low = np.maximum(found[:, None, :2], truth[None, :, :2])
    high = np.minimum(found[:, None, 2:], truth[None, :, 2:])
    shared = (high - low).clip(min=0).prod(2)
    areas, truth_areas = (found[:, 2:] - found[:, :2]).prod(1), (truth[:, 2:] - truth[:, :2]).prod(1)
    whole = np.where(is_crowd[None], areas[:, None], areas[:, None] + truth_areas[None] - shared)
    return shared / np.maximum(whole, np.finfo(np.float64).tiny)


def _average_precision(counts: NDArray[np.int64], is_right: NDArray[np.bool_], num_truths: int) -> float:
    """Precision at 101 recalls; `counts`: how often each detection, by descending score, is there."""
    right = np.cumsum(counts * is_right)
    recall, precision = right / num_truths, right / np.maximum(np.cumsum(counts), 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(envelope[np.searchsorted(recall, _RECALLS, side="left")].mean())
