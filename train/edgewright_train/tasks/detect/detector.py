"""A checkpoint as a detector: the pre- and post-processing that belongs to it, and PyTorch in between."""

import numpy as np
import torch
from numpy.typing import NDArray

from ...checkpoint import Checkpoint, Header
from ...models import architecture
from ...vision.preprocess import Preprocess
from .decode import Decode, Detections, Scale, detect
from .evaluate import Predict

# What a person wants to see; evaluation asks for 0.001 (COCO's curves need the weak detections too).
DEFAULT_SCORE_THRESHOLD = 0.3
DEFAULT_IOU_THRESHOLD = 0.4
MAX_DETECTIONS = 300


def preprocess_of(header: Header) -> Preprocess:
    """From a source image to the network's input."""
    arch = architecture(header.model)
    return Preprocess(
        width=header.width,
        height=header.height,
        colour_order=arch.colour_order,
        resize="stretch",
        interpolation="linear",
        mean=arch.mean,
        scale=arch.scale,
    )


def decode_of(header: Header) -> Decode:
    """From the deployed network's outputs to detections."""
    arch = architecture(header.model)
    scales = zip(arch.output_names, arch.strides, header.anchors_px, strict=True)
    return Decode(
        kind=arch.decode_kind,
        score_threshold=DEFAULT_SCORE_THRESHOLD,
        iou_threshold=DEFAULT_IOU_THRESHOLD,
        max_detections=MAX_DETECTIONS,
        scales=tuple(Scale(output=name, stride=stride, anchors_px=anchors) for name, stride, anchors in scales),
    )


def torch_detector(
    checkpoint: Checkpoint, *, score_threshold: float | None = None, iou_threshold: float | None = None
) -> Predict:
    """Runs the checkpoint's network as it is; it must be in eval mode."""
    header = checkpoint.header
    arch, preprocess, decode = architecture(header.model), preprocess_of(header), decode_of(header)
    deployed = arch.deploy(checkpoint.network)

    def predict(image_bgr: NDArray[np.uint8]) -> Detections:
        pixels = preprocess.normalise(preprocess.network_image(image_bgr))
        with torch.inference_mode():
            maps = [output[0].numpy() for output in deployed(torch.from_numpy(pixels))]
        outputs = dict(zip(arch.output_names, maps, strict=True))
        found = detect(outputs, decode, score_threshold=score_threshold, iou_threshold=iou_threshold)
        height, width = image_bgr.shape[:2]
        return found.scaled((preprocess.width, preprocess.height), (width, height))

    return predict
