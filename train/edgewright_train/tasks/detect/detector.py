"""A checkpoint as a detector: the pre- and post-processing that belongs to it, and PyTorch in between."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from ...checkpoint import Checkpoint, Header
from ...models import architecture
from ...vision.preprocess import Preprocess
from .decode import Decode, Detections, Scale, detect
from .evaluate import Predict

# (height, width, 3) uint8 network image -> output name -> (channels, height, width); PyTorch and every runtime alike
Run = Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]

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


def torch_run(checkpoint: Checkpoint) -> Run:
    """The checkpoint's network as it is, nothing folded; it must be in eval mode."""
    arch, preprocess = architecture(checkpoint.header.model), preprocess_of(checkpoint.header)
    deployed = arch.deploy(checkpoint.network)

    def run(network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = deployed(torch.from_numpy(preprocess.normalise(network_image)))
        return {name: output[0].numpy() for name, output in zip(arch.output_names, outputs, strict=True)}

    return run


def detector(
    run: Run,
    preprocess: Preprocess,
    decode: Decode,
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
    return detector(
        torch_run(checkpoint),
        preprocess_of(checkpoint.header),
        decode_of(checkpoint.header),
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )
