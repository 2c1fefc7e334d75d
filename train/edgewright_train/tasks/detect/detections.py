"""What a detector finds, and what every rule that gets there from a network's outputs has in common."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...schema import Record
from ...vision.placement import Placement

Threshold = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[float, Field(gt=0, le=8192)]

# What a person wants to see; evaluation asks for 0.001 (COCO's curves need the weak detections too).
DEFAULT_SCORE_THRESHOLD = 0.3
MAX_DETECTIONS = 300

Rows = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]
"""boxes (N, 4) xyxy in network pixels, scores (N,), classes (N,), before suppression."""


class Suppression(Record):
    """The user's defaults: rows above `score_threshold`, non-maximum suppression at `iou_threshold`, then the best."""

    score_threshold: Threshold
    iou_threshold: Threshold
    max_detections: int = Field(ge=1, le=10000)


@dataclass(frozen=True)
class Detections:
    """Highest score first.  boxes_xyxy (N, 4) float32 in pixels, scores (N,) float32, class_indices (N,) int64."""

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def to_source(self, placed: Placement) -> "Detections":
        """From network pixels to source pixels, clipped to the source image."""
        limit = np.array(placed.source_wh, np.float32)
        factor = limit / np.array((placed.width, placed.height), np.float32)
        offset = np.array((placed.left, placed.top), np.float32)
        boxes = (self.boxes_xyxy - np.tile(offset, 2)) * np.tile(factor, 2)
        boxes = np.clip(boxes, np.float32(0), np.tile(limit, 2))
        return Detections(boxes, self.scores, self.class_indices)
