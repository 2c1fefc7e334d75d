"""Greedy class-aware non-maximum suppression."""

import numpy as np
from numpy.typing import NDArray


def nms(
    boxes_xyxy: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_indices: NDArray[np.int64],
    iou_threshold: np.float32,
    max_detections: int,
) -> NDArray[np.int64]:
    """Indices kept, highest score first (equal scores: lower index first), at most `max_detections`.

    A box goes when a kept box of its class overlaps it by more than `iou_threshold`.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, classes = boxes_xyxy[order], class_indices[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(order), dtype=bool)
    kept: list[int] = []
    for index in range(len(order)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == max_detections:
            break
        rest = index + 1 + np.flatnonzero(alive[index + 1 :] & (classes[index + 1 :] == classes[index]))
        width = np.minimum(boxes[index, 2], boxes[rest, 2]) - np.maximum(boxes[index, 0], boxes[rest, 0])
        height = np.minimum(boxes[index, 3], boxes[rest, 3]) - np.maximum(boxes[index, 1], boxes[rest, 1])
        inter = np.maximum(width, np.float32(0)) * np.maximum(height, np.float32(0))
        alive[rest[inter > iou_threshold * (areas[index] + areas[rest] - inter)]] = False
    return order[kept].astype(np.int64)
