"""From a deployed network's activated maps to detections, as data in the manifest.  The C++ core does the same.

Letters: A anchors per cell, K classes, N rows.  Rows are in the order of the source: stride by stride, then row j,
column i, anchor a.  All arithmetic is float32, in the order written here, so that C++ gives the same bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...schema import Record
from .nms import nms

Threshold = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[float, Field(gt=0, le=8192)]


class Scale(Record):
    """One grid: the output that holds it, its stride in pixels, and its anchors (w, h) at the network's input."""

    output: str
    stride: int = Field(ge=1, le=1024)
    anchors_px: tuple[tuple[Pixels, Pixels], ...] = Field(min_length=1, max_length=16)


class Decode(Record):
    """How the outputs become detections.  `score_threshold` and `iou_threshold` are the user's defaults."""

    kind: Literal["yolo-fastestv2"]
    score_threshold: Threshold
    iou_threshold: Threshold
    max_detections: int = Field(ge=1, le=10000)
    scales: tuple[Scale, ...] = Field(min_length=1, max_length=8)


@dataclass(frozen=True)
class Detections:
    """Highest score first.  boxes_xyxy (N, 4) float32 in pixels, scores (N,) float32, class_indices (N,) int64."""

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def scaled(self, network_wh: tuple[int, int], source_wh: tuple[int, int]) -> "Detections":
        """From network pixels to source pixels (stretch resize), clipped to the source image."""
        factor = np.array(source_wh, np.float32) / np.array(network_wh, np.float32)
        limit = np.array(source_wh, np.float32)
        boxes = np.clip(self.boxes_xyxy * np.tile(factor, 2), np.float32(0), np.tile(limit, 2))
        return Detections(boxes, self.scores, self.class_indices)


def detect(
    outputs: Mapping[str, NDArray[np.float32]],
    decode: Decode,
    *,
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
) -> Detections:
    """Decode and suppress.  `outputs`: name -> (5A + K, h, w) activated maps.  Boxes are in network pixels."""
    threshold = decode.score_threshold if score_threshold is None else score_threshold
    overlap = decode.iou_threshold if iou_threshold is None else iou_threshold
    parts = [_yolo_fastestv2(outputs[scale.output], scale, np.float32(threshold)) for scale in decode.scales]
    boxes, scores, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
    keep = nms(boxes, scores, classes, np.float32(overlap), decode.max_detections)
    return Detections(boxes[keep], scores[keep], classes[keep])


def _yolo_fastestv2(
    output: NDArray[np.float32], scale: Scale, threshold: np.float32
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """(5A + K, h, w) -> boxes (N, 4) xyxy, scores (N,), classes (N,): rows whose score exceeds `threshold`.

    Box formulas: spec-yolo-fastestv2 section 3.  The class distribution is shared by the anchors of a cell.
    """
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
