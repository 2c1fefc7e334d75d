"""Pascal VOC's average precision at IoU 0.5, both ways VOC has averaged: over 11 recalls (2007) and all (from 2010).

A detection belongs to the object of its class, in its image, that it overlaps most.  The first by score is right, a
further one is wrong, and so is one that overlaps by less than half; what belongs to a difficult object counts for
nothing.  (COCO's rule in metric.py differs: a taken object leaves a detection the next best.)  Boxes span
[left, right), which gives whole-pixel boxes the IoU that VOC computes from inclusive corners.

Source: Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge", section 4.2, and its devkit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.dataset import Annotation
from ..precision_recall import NUM_THRESHOLDS, PrecisionRecall, reaching, score_bins
from .detections import Detections

_IOU_THRESHOLD = 0.5


@dataclass(frozen=True)
class ClassMatches:
    """What became of the detections of one class, those that count, highest score first.

    Attributes:
        num_objects: without difficult ones.
        scores: (N,) float32.
        is_right: (N,) bool.
        ious: (N,) float64 with the object that a detection overlaps most; 0 where there is none.
    """

    name: str
    num_objects: int
    scores: NDArray[np.float32]
    is_right: NDArray[np.bool_]
    ious: NDArray[np.float64]

    @property
    def ap_11_point(self) -> float | None:
        """Mean of the best precision at a recall of at least 0, 0.1, ... 1.  None without objects."""
        if not self.num_objects:
            return None
        # In whole numbers: 0.1 * 3 is more than 3 / 10.
        reached = 10 * self._right[None] >= np.arange(11)[:, None] * self.num_objects
        return float((reached * self._precision[None]).max(1, initial=0.0).mean())

    @property
    def ap_all_point(self) -> float | None:
        """Area under the best precision at each recall or more.  None without objects."""
        if not self.num_objects:
            return None
        best = np.maximum.accumulate(self._precision[::-1])[::-1]
        return float(best[self.is_right].sum() / self.num_objects)

    @property
    def precision_recall(self) -> PrecisionRecall:
        bins = score_bins(self.scores)
        right, found = (np.bincount(each, minlength=NUM_THRESHOLDS + 1) for each in (bins[self.is_right], bins))
        return PrecisionRecall(self.name, self.num_objects, reaching(right), reaching(found))

    def counts_from(self, score: float) -> tuple[float | None, int, int, int]:
        """Mean IoU of the right ones, and how many are right, missed and wrong, of detections of at least `score`."""
        is_seen = self.scores >= score
        right = is_seen & self.is_right
        iou = float(self.ious[right].mean()) if right.any() else None
        num_right = int(right.sum())
        return iou, num_right, self.num_objects - num_right, int(is_seen.sum()) - num_right

    @property
    def _right(self) -> NDArray[np.int64]:
        return self.is_right.cumsum()

    @property
    def _precision(self) -> NDArray[np.float64]:
        return self._right / np.arange(1, len(self.is_right) + 1)


def voc_matches(
    annotations: Sequence[Annotation], detections: Sequence[Detections], labels: Sequence[str]
) -> tuple[ClassMatches, ...]:
    """Of each class; images in the same order.  Crowds are VOC's difficult objects.  Equal scores stay in order."""
    counted = [~annotation.is_crowd for annotation in annotations]
    classes_of_objects = _joined([a.class_indices[c] for a, c in zip(annotations, counted, strict=True)], np.int64)
    num_objects = np.bincount(classes_of_objects, minlength=len(labels))
    rows = [_matched(*pair) for pair in zip(annotations, detections, strict=True)]
    classes, scores, is_right, ious = (
        _joined([row[column] for row in rows], kind)
        for column, kind in enumerate((np.int64, np.float32, np.bool_, np.float64))
    )
    order = np.argsort(-scores, kind="stable")
    order = order[np.argsort(classes[order], kind="stable")]
    ends = np.searchsorted(classes[order], np.arange(1, len(labels)))
    return tuple(
        ClassMatches(name, int(count), scores[own], is_right[own], ious[own])
        for name, count, own in zip(labels, num_objects, np.split(order, ends), strict=True)
    )


def mean_of(values: Iterator[float | None]) -> float | None:
    """Over those that are known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _matched(annotation: Annotation, found: Detections) -> tuple[NDArray[Any], ...]:
    """Of one image: classes, scores, whether right, IoUs of the detections that count."""
    order = np.argsort(-found.scores, kind="stable")
    boxes, scores, classes = found.boxes_xyxy[order], found.scores[order], found.class_indices[order]
    if not len(annotation.boxes_xyxy):
        return classes, scores, np.zeros(len(order), np.bool_), np.zeros(len(order))
    overlap = _iou(boxes.astype(np.float64), annotation.boxes_xyxy.astype(np.float64))
    overlap[classes[:, None] != annotation.class_indices[None]] = 0
    nearest, ious = overlap.argmax(1), overlap.max(1, initial=0.0)
    hits = np.flatnonzero(ious >= _IOU_THRESHOLD)
    _, first = np.unique(nearest[hits], return_index=True)
    is_right = np.zeros(len(order), np.bool_)
    is_right[hits[first]] = True
    counts = np.ones(len(order), np.bool_)
    counts[hits] = ~annotation.is_crowd[nearest[hits]]
    return classes[counts], scores[counts], is_right[counts], ious[counts]


def _iou(first_xyxy: NDArray[np.float64], second_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) and (M, 4) -> (N, M)."""
    corner = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    opposite = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    inside = np.clip(opposite - corner, 0, None).prod(2)
    first, second = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first_xyxy, second_xyxy))
    union = first[:, None] + second[None] - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


def _joined(parts: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)
