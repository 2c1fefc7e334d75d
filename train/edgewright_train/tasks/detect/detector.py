"""A network as a detector: its pre- and post-processing around whatever runs it."""

import numpy as np
from numpy.typing import NDArray

from ...inference import Run
from ...vision.preprocess import Preprocess
from .decode import DetectDecode, detect
from .detections import Detections
from .evaluate import Predict


def detector(
    run: Run,
    preprocess: Preprocess,
    decode: DetectDecode,
    *,
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
) -> Predict:
    """Pre-process, run, decode: what a device does with a frame.  Thresholds default to those of `decode`."""

    def predict(image_bgr: NDArray[np.uint8]) -> Detections:
        outputs = run(preprocess.network_image(image_bgr))
        found = detect(outputs, decode, score_threshold=score_threshold, iou_threshold=iou_threshold)
        height, width = image_bgr.shape[:2]
        return found.to_source(preprocess.placement((width, height)))

    return predict
