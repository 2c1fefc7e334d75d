"""Darknet's networks by name, as their sources publish them; every other comes in with its cfg."""

from collections.abc import Callable
from functools import partial

from torch import nn

from ..tasks.classify.decode import ClassifyDecode
from ..tasks.detect.detections import DEFAULT_SCORE_THRESHOLD, MAX_DETECTIONS
from ..tasks.detect.yolo import YoloDecode, YoloScale
from ..tasks.segment.decode import SegmentDecode
from . import lightnet
from .architecture import AnchorsPx, Architecture, Normalisation, Task
from .darknet53 import Darknet53
from .darknet_blocks import DeployedClassifier
from .darknet_cfg import UNIT_RGB
from .edgenets import IMAGENET
from .tiny_darknet import TinyDarknet

_MAPS = ("yolo0", "yolo1", "yolo2")


def _classifier(
    build: Callable[[int], nn.Module], normalisation: Normalisation, *, side: int, size_multiple: int
) -> Architecture:
    """`normalisation` and `side` as the source trains it."""
    return Architecture(
        task="classify",
        build=build,
        deploy=DeployedClassifier,
        output_names=("logits",),
        decode=lambda *_: ClassifyDecode(output="logits", activation="softmax"),
        normalisation=normalisation,
        default_num_classes=1000,
        default_size_wh=(side, side),
        size_multiple=size_multiple,
    )


def _as_trained(network: nn.Module) -> nn.Module:
    return network


def _lightnet_decode(_: tuple[int, int], anchors_px: AnchorsPx) -> YoloDecode:
    return YoloDecode(
        score_threshold=DEFAULT_SCORE_THRESHOLD,
        iou_threshold=0.45,
        max_detections=MAX_DETECTIONS,
        scales=tuple(
            YoloScale(output=name, stride=stride, anchors_px=anchors, scale_x_y=lightnet.SCALE_X_Y, new_coords=True)
            for name, stride, anchors in zip(_MAPS, lightnet.STRIDES, anchors_px, strict=True)
        ),
    )


def _at_half_size(anchors_px: AnchorsPx) -> AnchorsPx:
    return tuple(tuple((width / 2, height / 2) for width, height in scale) for scale in anchors_px)


DARKNETS: dict[str, dict[Task, Architecture]] = {
    "tiny-darknet": {"classify": _classifier(TinyDarknet, UNIT_RGB, side=224, size_multiple=16)},
    "tiny-darknet-mindspore": {
        "classify": _classifier(partial(TinyDarknet, variant="mindspore"), IMAGENET, side=224, size_multiple=16)
    },
    "darknet53": {"classify": _classifier(Darknet53, UNIT_RGB, side=256, size_multiple=32)},
    "darknet53-pytorch": {
        "classify": _classifier(partial(Darknet53, leaky_slope=0.01), IMAGENET, side=224, size_multiple=32)
    },
    "lightnet": {
        "detect": Architecture(
            task="detect",
            build=lightnet.LightNetDetector,
            initialise=lightnet.expect_few_objects,
            deploy=_as_trained,
            output_names=_MAPS,
            strides=lightnet.STRIDES,
            default_anchors_px=_at_half_size(lightnet.BDD100K_ANCHORS_PX),
            decode=_lightnet_decode,
            normalisation=UNIT_RGB,
            default_num_classes=10,
            default_size_wh=(640, 480),
            size_multiple=32,
        ),
        "segment": Architecture(
            task="segment",
            build=lightnet.LightNetSegmenter,
            deploy=lightnet.DeployedSegmenter,
            output_names=("logits",),
            decode=lambda *_: SegmentDecode(output="logits"),
            normalisation=UNIT_RGB,
            default_num_classes=9,
            default_size_wh=(640, 480),
            size_multiple=32,
        ),
    },
}
