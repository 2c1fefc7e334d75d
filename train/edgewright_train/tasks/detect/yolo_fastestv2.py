"""YOLO-FastestV2's activated maps to rows (spec-yolo-fastestv2.md section 3).

Letters: A anchors per cell, K classes, N rows.  Rows are in the order of the source: stride by stride, then row j,
column i, anchor a.  All arithmetic is float32, in the order written here, so that C++ gives the same bits.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...schema import Record
from .detections import DEFAULT_SCORE_THRESHOLD, MAX_DETECTIONS, Pixels, Rows, Suppression


class YoloFastestV2Scale(Record):
    """One grid: the output (5A + K, h, w) that holds it, its stride in pixels, its anchors (w, h) at the input."""

    output: str
    stride: int = Field(ge=1, le=1024)
    anchors_px: tuple[tuple[Pixels, Pixels], ...] = Field(min_length=1, max_length=16)

    def shape(self, size_wh: tuple[int, int], num_classes: int) -> tuple[int, int, int]:
        """(channels, height, width) of the output."""
        return 5 * len(self.anchors_px) + num_classes, size_wh[1] // self.stride, size_wh[0] // self.stride


class YoloFastestV2Decode(Suppression):
    """The class distribution is shared by the anchors of a cell; everything is activated already."""

    kind: Literal["yolo-fastestv2"] = "yolo-fastestv2"
    scales: tuple[YoloFastestV2Scale, ...] = Field(min_length=1, max_length=8)


def yolo_fastestv2_decode(
    output_names: tuple[str, ...], strides: tuple[int, ...], anchors_px: tuple[tuple[tuple[float, float], ...], ...]
) -> YoloFastestV2Decode:
    """With the thresholds of the source's demo."""
    scales = zip(output_names, strides, anchors_px, strict=True)
    return YoloFastestV2Decode(
        score_threshold=DEFAULT_SCORE_THRESHOLD,
        iou_threshold=0.4,
        max_detections=MAX_DETECTIONS,
        scales=tuple(
            YoloFastestV2Scale(output=name, stride=stride, anchors_px=anchors) for name, stride, anchors in scales
        ),
    )


def yolo_fastestv2_rows(
    outputs: Mapping[str, NDArray[np.float32]], decode: YoloFastestV2Decode, threshold: np.float32
) -> list[Rows]:
    """Per scale, the rows whose score exceeds `threshold`."""
    return [_scale_rows(outputs[scale.output], scale, threshold) for scale in decode.scales]


def _scale_rows(output: NDArray[np.float32], scale: YoloFastestV2Scale, threshold: np.float32) -> Rows:
    anchors = np.array(scale.anchors_px, np.float32)
    num_anchors = len(anchors)
    objectness = output[4 * num_anchors : 5 * num_anchors]
    class_scores = output[5 * num_anchors :]
    cell_class = class_scores.argmax(0)
    cell_score = np.take_along_axis(class_scores, cell_class[None], 0)[0]
    scores = (objectness * cell_score).transpose(1, 2, 0)  # (h, w, A)
    j, i, a = np.nonzero(scores > threshold)
    tx, ty, tw, th = output[: 4 * num_anchors].reshape(num_anchors, 4, *output.shape[1:])[a, :, j, i].T
    two, half, stride = np.float32(2), np.float32(0.5), np.float32(scale.stride)
    cx = (two * tx - half + i.astype(np.float32)) * stride
    cy = (two * ty - half + j.astype(np.float32)) * stride
    half_w = (two * tw) * (two * tw) * anchors[a, 0] * half
    half_h = (two * th) * (two * th) * anchors[a, 1] * half
    boxes = np.stack((cx - half_w, cy - half_h, cx + half_w, cy + half_h), 1)
    return boxes, scores[j, i, a], cell_class[j, i]
