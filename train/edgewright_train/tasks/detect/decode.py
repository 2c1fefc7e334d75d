"""From a network's outputs to detections, by the rule the manifest names.  The C++ core does the same."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .detections import Detections, Rows
from .nms import nms
from .ssd import SsdDecode, ssd_rows
from .yolo import YoloDecode, yolo_rows
from .yolo_fastestv2 import YoloFastestV2Decode, yolo_fastestv2_rows

DetectDecode = Annotated[YoloFastestV2Decode | YoloDecode | SsdDecode, Field(discriminator="kind")]

_ROWS: dict[str, Callable[[Mapping[str, NDArray[np.float32]], Any, np.float32], list[Rows]]] = {
    "yolo-fastestv2": yolo_fastestv2_rows,
    "yolo": yolo_rows,
    "ssd": ssd_rows,
}


def detect(
    outputs: Mapping[str, NDArray[np.float32]],
    decode: DetectDecode,
    *,
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
) -> Detections:
    """Decode and suppress.  `outputs`: name -> (channels, h, w).  Boxes are in network pixels."""
    threshold = decode.score_threshold if score_threshold is None else score_threshold
    overlap = decode.iou_threshold if iou_threshold is None else iou_threshold
    parts = _ROWS[decode.kind](outputs, decode, np.float32(threshold))
    boxes, scores, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
    keep = nms(boxes, scores, classes, np.float32(overlap), decode.max_detections)
    return Detections(boxes[keep], scores[keep], classes[keep])
