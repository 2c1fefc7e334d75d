"""Are two runs' detections the same?  Each needs a partner on the other side (docs/adr/0003)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright_train.tasks.detect.decode import DetectDecode, detect
from edgewright_train.tasks.detect.detections import Detections

from .manifest import Tolerance
from .outputs import Outputs


def compare_detections(
    reference: Outputs, outputs: Outputs, decode: DetectDecode, tolerance: Tolerance
) -> tuple[int, int, str]:
    """Reference detections with a partner, all of them, and what is wrong with the first without one on either side."""
    ours, theirs = _Side.of(reference, decode), _Side.of(outputs, decode)
    missing, extra = _alone(ours, theirs, tolerance), _alone(theirs, ours, tolerance)
    problem = ""
    for what, detections, alone in (("extra", theirs.detections, extra), ("missing", ours.detections, missing)):
        lonely = np.flatnonzero(alone & _sure(detections, decode, tolerance))
        if len(lonely):
            box = ", ".join(f"{v:.1f}" for v in detections.boxes_xyxy[lonely[0]])
            problem = (
                f"{what} detection: class {detections.class_indices[lonely[0]]}, "
                f"score {detections.scores[lonely[0]]:.3f}, box [{box}]"
            )
    return int((~missing).sum()), len(ours.detections), problem


def without_partner(
    reference: Outputs, outputs: Outputs, decode: DetectDecode, tolerance: Tolerance
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which detections of each side have no partner though they should: a flag per detection."""
    ours, theirs = _Side.of(reference, decode), _Side.of(outputs, decode)
    missing = _alone(ours, theirs, tolerance) & _sure(ours.detections, decode, tolerance)
    return missing, _alone(theirs, ours, tolerance) & _sure(theirs.detections, decode, tolerance)


@dataclass(frozen=True)
class _Side:
    """One run's detections, and its candidates before suppression."""

    detections: Detections
    candidates: Detections

    @classmethod
    def of(cls, outputs: Outputs, decode: DetectDecode) -> "_Side":
        unlimited = decode.model_copy(update={"max_detections": 10000})
        return cls(detect(outputs, decode), detect(outputs, unlimited, iou_threshold=1.0))


def _alone(side: _Side, other: _Side, tolerance: Tolerance) -> NDArray[np.bool_]:
    """Two boxes that overlap by almost the suppression threshold survive or not by a rounding error; a detection's
    partner may therefore be among the other side's candidates.
    """
    return np.asarray(~_partners(side.detections, other.candidates, tolerance).any(1))


def _sure(detections: Detections, decode: DetectDecode, tolerance: Tolerance) -> NDArray[np.bool_]:
    """Far enough above the score threshold that the other side must have them too."""
    return np.asarray(detections.scores > decode.score_threshold + tolerance.max_score_diff)


def _partners(a: Detections, b: Detections, tolerance: Tolerance) -> NDArray[np.bool_]:
    """(len(a), len(b)): same class, enough overlap, close score."""
    low = np.maximum(a.boxes_xyxy[:, None, :2], b.boxes_xyxy[None, :, :2])
    high = np.minimum(a.boxes_xyxy[:, None, 2:], b.boxes_xyxy[None, :, 2:])
    inter = np.prod(np.maximum(high - low, 0), axis=2)
    area_a, area_b = (np.prod(d.boxes_xyxy[:, 2:] - d.boxes_xyxy[:, :2], axis=1) for d in (a, b))
    assert tolerance.min_iou is not None  # the manifest's rule for detectors
    iou_is_enough = inter >= tolerance.min_iou * (area_a[:, None] + area_b[None] - inter)
    same_class = a.class_indices[:, None] == b.class_indices[None]
    close_score = np.abs(a.scores[:, None] - b.scores[None]) <= tolerance.max_score_diff
    return iou_is_enough & same_class & close_score
