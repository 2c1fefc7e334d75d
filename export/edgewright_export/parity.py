"""Is this run the source's run?  Maps are compared by value, detections by partner (tolerances: docs/adr/0003)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright_train.tasks.detect.decode import Decode, Detections, detect

from .manifest import Precision, Tolerance

Maps = Mapping[str, NDArray[np.float32]]

TOLERANCES: dict[Precision, Tolerance] = {
    "fp32": Tolerance(max_abs=1e-4, min_cosine=None, min_iou=0.99, max_score_diff=0.001),
    "fp16": Tolerance(max_abs=None, min_cosine=0.9999, min_iou=0.9, max_score_diff=0.02),
}


@dataclass(frozen=True)
class Comparison:
    """Of one image.

    Attributes:
        num_detections: of the source that the run found too.
        problem: empty when everything is inside the tolerance.
    """

    max_abs: float
    cosine: float
    num_detections: int
    problem: str


def compare(reference: Maps, outputs: Maps, decode: Decode, tolerance: Tolerance) -> Comparison:
    """`outputs` against the source's maps and against the detections that both give at the manifest's thresholds."""
    max_abs, cosine = 0.0, 1.0
    for name, expected in reference.items():
        value = outputs[name]
        if value.shape != expected.shape:
            return Comparison(np.inf, 0.0, 0, f"output {name} has shape {value.shape}, not {expected.shape}")
        if not np.isfinite(value).all():
            return Comparison(np.inf, 0.0, 0, f"output {name} holds NaN or infinity")
        max_abs = max(max_abs, float(np.abs(value - expected).max()))
        cosine = min(cosine, _cosine(expected, value))
    matched, unmatched = _match(_Side.of(reference, decode), _Side.of(outputs, decode), decode, tolerance)
    problem = _problem(max_abs, cosine, unmatched, tolerance)
    return Comparison(max_abs, cosine, matched, problem)


def _problem(max_abs: float, cosine: float, unmatched: str, tolerance: Tolerance) -> str:
    if tolerance.max_abs is not None and not max_abs <= tolerance.max_abs:
        return f"largest difference {max_abs:.2e} exceeds {tolerance.max_abs:.0e}"
    if tolerance.min_cosine is not None and not cosine >= tolerance.min_cosine:
        return f"cosine similarity {cosine:.6f} is below {tolerance.min_cosine}"
    return unmatched


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """1 for two all-zero maps; summed in float64."""
    x, y = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    norms = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / norms) if norms > 0 else float(np.array_equal(x, y))


def without_partner(
    reference: Detections, found: Detections, decode: Decode, tolerance: Tolerance
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which detections of each side have no partner though they should: (len(reference),) and (len(found),)."""
    close = _partners(reference, found, tolerance)
    sure = decode.score_threshold + tolerance.max_score_diff
    return ~close.any(1) & (reference.scores > sure), ~close.any(0) & (found.scores > sure)


@dataclass(frozen=True)
class _Side:
    """One run's detections, and its candidates before suppression."""

    detections: Detections
    candidates: Detections

    @classmethod
    def of(cls, maps: Maps, decode: Decode) -> "_Side":
        unlimited = decode.model_copy(update={"max_detections": 10000})
        return cls(detect(maps, decode), detect(maps, unlimited, iou_threshold=1.0))


def _match(reference: _Side, run: _Side, decode: Decode, tolerance: Tolerance) -> tuple[int, str]:
    """Number of reference detections with a partner, and what is wrong with the first that has none, on either side.

    Two boxes that overlap by almost the suppression threshold survive or not by a rounding error; a detection's partner
    may therefore be among the other side's candidates.
    """
    sure = decode.score_threshold + tolerance.max_score_diff
    missing = ~_partners(reference.detections, run.candidates, tolerance).any(1)
    extra = ~_partners(run.detections, reference.candidates, tolerance).any(1)
    for what, detections, alone in (("missing", reference.detections, missing), ("extra", run.detections, extra)):
        lonely = np.flatnonzero(alone & (detections.scores > sure))
        if len(lonely):
            box = ", ".join(f"{v:.1f}" for v in detections.boxes_xyxy[lonely[0]])
            return int((~missing).sum()), (
                f"{what} detection: class {detections.class_indices[lonely[0]]}, "
                f"score {detections.scores[lonely[0]]:.3f}, box [{box}]"
            )
    return int((~missing).sum()), ""


def _partners(a: Detections, b: Detections, tolerance: Tolerance) -> NDArray[np.bool_]:
    """(len(a), len(b)): same class, enough overlap, close score."""
    low = np.maximum(a.boxes_xyxy[:, None, :2], b.boxes_xyxy[None, :, :2])
    high = np.minimum(a.boxes_xyxy[:, None, 2:], b.boxes_xyxy[None, :, 2:])
    inter = np.prod(np.maximum(high - low, 0), axis=2)
    area_a, area_b = (np.prod(d.boxes_xyxy[:, 2:] - d.boxes_xyxy[:, :2], axis=1) for d in (a, b))
    iou_is_enough = inter >= tolerance.min_iou * (area_a[:, None] + area_b[None] - inter)
    same_class = a.class_indices[:, None] == b.class_indices[None]
    close_score = np.abs(a.scores[:, None] - b.scores[None]) <= tolerance.max_score_diff
    return iou_is_enough & same_class & close_score
