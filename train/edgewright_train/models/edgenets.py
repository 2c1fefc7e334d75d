"""The EdgeNets families by name: `espnetv2-<scale>`, `dicenet-<scale>`, `shufflenetv2-<scale>`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from ..tasks.classify.decode import ClassifyDecode
from ..tasks.detect.detections import DEFAULT_SCORE_THRESHOLD
from ..tasks.detect.ssd import SsdDecode, SsdScale
from ..tasks.segment.decode import SegmentDecode
from . import dicenet, edgenets_classifier, espnetv2, segmentation_decoder, shufflenetv2, ssd
from .architecture import AnchorsPx, Architecture, Normalisation, Task

IMAGENET = Normalisation(
    colour_order="rgb",
    mean=(123.675, 116.28, 103.53),
    scale=(1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
)
_MAPS = tuple(f"map{number}" for number in range(ssd.NUM_MAPS))

Network = Callable[[str, int], nn.Module]  # (scale, number of classes) -> network


def _ssd_decode(size_wh: tuple[int, int], _: AnchorsPx) -> SsdDecode:
    """With the thresholds of the source's demo."""
    priors = zip(_MAPS, ssd.strides(*size_wh), ssd.priors_wh(*size_wh), strict=True)
    return SsdDecode(
        score_threshold=DEFAULT_SCORE_THRESHOLD,
        iou_threshold=0.45,
        max_detections=200,
        width=size_wh[0],
        height=size_wh[1],
        scales=tuple(SsdScale(output=name, stride_wh=stride, priors_wh=shapes) for name, stride, shapes in priors),
    )


def _as_trained(network: nn.Module) -> nn.Module:
    return network


# What the networks of a task have in common; classes are those of the published ImageNet and PASCAL VOC weights.
_TASKS: dict[Task, Mapping[str, Any]] = {
    "classify": {
        "deploy": edgenets_classifier.Deployed,
        "output_names": ("logits",),
        "decode": lambda *_: ClassifyDecode(output="logits", activation="softmax"),
        "default_num_classes": 1000,
        "default_size_wh": (224, 224),
        "size_multiple": 32,
    },
    "segment": {
        "deploy": segmentation_decoder.Deployed,
        "output_names": ("logits",),
        "decode": lambda *_: SegmentDecode(output="logits"),
        "default_num_classes": 21,
        "default_size_wh": (256, 256),
        "size_multiple": 16,
    },
    "detect": {
        "deploy": _as_trained,
        "output_names": _MAPS,
        "decode": _ssd_decode,
        "default_num_classes": 20,
        "default_size_wh": (300, 300),
        "size_multiple": 4,
    },
}
_FAMILIES: dict[str, tuple[Mapping[str, Any], dict[Task, Network]]] = {
    "espnetv2": (
        espnetv2.CHANNELS,
        {
            "classify": espnetv2.EspnetV2Classifier,
            "segment": espnetv2.EspnetV2Segmenter,
            "detect": espnetv2.EspnetV2Detector,
        },
    ),
    "dicenet": (
        dicenet.CHANNELS,
        {
            "classify": dicenet.DicenetClassifier,
            "segment": dicenet.DicenetSegmenter,
            "detect": dicenet.DicenetDetector,
        },
    ),
    "shufflenetv2": (shufflenetv2.CHANNELS, {"classify": shufflenetv2.ShuffleNetV2Classifier}),
}

EDGENETS: dict[str, dict[Task, Architecture]] = {
    f"{family}-{scale}": {
        task: Architecture(task=task, build=partial(network, scale), normalisation=IMAGENET, **_TASKS[task])
        for task, network in networks.items()
    }
    for family, (scales, networks) in _FAMILIES.items()
    for scale in scales
}
