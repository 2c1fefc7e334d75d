"""COCO average precision, computed by faster-coco-eval (equal to pycocotools; tests/train/test_metric.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from ...data.dataset import Annotation
from .detections import Detections


@dataclass(frozen=True, kw_only=True)
class ClassAP:
    """One class.  None: the data set holds none of it."""

    name: str
    ap: float | None
    ap50: float | None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """COCO's averages over classes, at most 100 detections per image.  None: no ground truth of that kind.

    Attributes:
        ap: mean over IoU 0.50:0.05:0.95; `ap50` and `ap75` at one IoU.
        ap_small, ap_medium, ap_large: `ap` of objects below 32x32 pixels, up to 96x96, and above.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    classes: tuple[ClassAP, ...]


def average_precision(
    annotations: Sequence[Annotation], detections: Sequence[Detections], labels: Sequence[str]
) -> Metrics:
    """Compare detections (source pixels) with the annotations of the same images, in the same order."""
    images = [{"id": a.image_id, "width": a.width, "height": a.height} for a in annotations]
    categories = [{"id": index, "name": name} for index, name in enumerate(labels)]
    truth = [row for annotation in annotations for row in _truth_rows(annotation)]
    found = [row for a, d in zip(annotations, detections, strict=True) for row in _detection_rows(a.image_id, d)]
    evaluator = COCOeval_faster(_coco(images, categories, truth), _coco(images, categories, found), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    # (10 IoU thresholds, 101 recalls, K classes, 4 areas, 3 detection limits); -1 where there is no ground truth
    precision: NDArray[np.float64] = evaluator.eval["precision"][..., -1]
    areas = {name: precision[..., index] for index, name in enumerate(("all", "small", "medium", "large"))}
    return Metrics(
        ap=_mean(areas["all"]),
        ap50=_mean(areas["all"][0]),
        ap75=_mean(areas["all"][5]),
        ap_small=_mean(areas["small"]),
        ap_medium=_mean(areas["medium"]),
        ap_large=_mean(areas["large"]),
        classes=tuple(
            ClassAP(name=name, ap=_mean(areas["all"][..., index]), ap50=_mean(areas["all"][0, :, index]))
            for index, name in enumerate(labels)
        ),
    )


def _mean(precision: NDArray[np.float64]) -> float | None:
    present = precision[precision > -1]
    return float(present.mean()) if present.size else None


def _truth_rows(annotation: Annotation) -> list[dict[str, Any]]:
    columns = (annotation.boxes_xyxy, annotation.class_indices, annotation.is_crowd, annotation.areas_px)
    return [
        _row(annotation.image_id, box, index) | {"iscrowd": int(crowd), "area": float(area)}
        for box, index, crowd, area in zip(*columns, strict=True)
    ]


def _detection_rows(image_id: int, detections: Detections) -> list[dict[str, Any]]:
    columns = (detections.boxes_xyxy, detections.class_indices, detections.scores)
    rows = [_row(image_id, box, index) | {"score": float(score)} for box, index, score in zip(*columns, strict=True)]
    return [row | {"iscrowd": 0, "area": row["bbox"][2] * row["bbox"][3]} for row in rows]


def _row(image_id: int, box_xyxy: NDArray[np.float32], class_index: np.int64) -> dict[str, Any]:
    left, top, right, bottom = map(float, box_xyxy)
    return {"image_id": image_id, "category_id": int(class_index), "bbox": [left, top, right - left, bottom - top]}


def _coco(images: list[dict[str, Any]], categories: list[dict[str, Any]], rows: list[dict[str, Any]]) -> COCO:
    # Ids start at 1: COCO's matching takes 0 for "no match".
    numbered = [row | {"id": number} for number, row in enumerate(rows, 1)]
    return COCO({"images": images, "categories": categories, "annotations": numbered})
