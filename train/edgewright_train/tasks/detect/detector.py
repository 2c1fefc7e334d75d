"""A network as a detector: its pre- and post-processing around whatever runs it."""

import numpy as np
from numpy.typing import NDArray

from ...checkpoint import Checkpoint
from ...inference import Run, decode_of, preprocess_of, torch_run
from ...vision.preprocess import Preprocess
from .decode import DetectDecode, detect
from .detections import Detections, Suppression
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
        return found.scaled((preprocess.width, preprocess.height), (width, height))

    return predict


def torch_detector(
    checkpoint: Checkpoint, *, score_threshold: float | None = None, iou_threshold: float | None = None
) -> Predict:
    """The checkpoint as a detector; its network must be in eval mode."""
    decode = decode_of(checkpoint.header)
    assert isinstance(decode, Suppression)
    return detector(
        torch_run(checkpoint),
        preprocess_of(checkpoint.header),
        decode,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )
