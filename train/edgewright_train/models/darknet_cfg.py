"""A network that a darknet `.cfg` describes, as any other."""

import math
from functools import lru_cache

import torch
from torch import nn

from ..darknet.cfg import parse_cfg
from ..darknet.heads import Heads, heads_of
from ..darknet.network import DarknetNetwork
from ..darknet.plan import plan_network
from ..errors import InputError
from ..tasks.classify.decode import ClassifyDecode
from ..tasks.decode import Decode
from ..tasks.detect.detections import DEFAULT_SCORE_THRESHOLD, MAX_DETECTIONS
from ..tasks.detect.yolo import YoloDecode, YoloScale
from ..tasks.segment.decode import SegmentDecode
from .architecture import Architecture, Normalisation

UNIT_RGB = Normalisation(colour_order="rgb", mean=(0.0, 0.0, 0.0), scale=(1 / 255, 1 / 255, 1 / 255))

_FIRST_OBJECTNESS = 0.01


@lru_cache(maxsize=8)
def cfg_architecture(text: str, *, source: str, bn_eps: float, width: int, height: int) -> Architecture:
    """At `width` x `height`, which replace those of [net].  Raises `InputError` with the line of `source`."""
    plan = plan_network(parse_cfg(text, source=source), width=width, height=height)
    heads = heads_of(plan)
    names = _output_names(heads)
    if uneven := [head for head in heads.yolo if head.strides_wh[0] != head.strides_wh[1]]:
        across, down = uneven[0].strides_wh
        raise InputError(f"{source}: layer {uneven[0].layer} [yolo]: cells of {across}x{down} pixels; must be square")

    def build(num_classes: int) -> nn.Module:
        if num_classes != heads.num_classes:
            raise InputError(f"{source}: has {heads.num_classes} classes, not {num_classes}; change the cfg")
        return DarknetNetwork(plan, bn_eps=bn_eps)

    return Architecture(
        task=heads.task,
        build=build,
        deploy=_as_built,
        output_names=names,
        decode=lambda *_: _decode(heads, names),
        normalisation=UNIT_RGB,
        default_num_classes=heads.num_classes,
        default_size_wh=(width, height),
        initialise=_expect_few_objects,
        size_multiple=max((stride for head in heads.yolo for stride in head.strides_wh), default=1),
    )


def _as_built(network: nn.Module) -> nn.Module:
    return network


def _expect_few_objects(network: DarknetNetwork) -> None:
    """Start training with 1 % objectness everywhere, so that its first steps are not spent on empty cells.

    Source: Lin et al. 2017, arXiv:1708.02002, section 4.1.
    """
    for head in network.heads.yolo:
        conv = getattr(network.layers[head.output], "conv", None)  # a head may read any layer
        if isinstance(conv, nn.Conv2d) and conv.bias is not None:
            with torch.no_grad():
                conv.bias.view(len(head.anchors_px), -1)[:, 4] = -math.log((1 - _FIRST_OBJECTNESS) / _FIRST_OBJECTNESS)


def _output_names(heads: Heads) -> tuple[str, ...]:
    return tuple(f"yolo{number}" for number in range(len(heads.yolo))) or ("logits",)


def _decode(heads: Heads, names: tuple[str, ...]) -> Decode:
    """With the thresholds of AlexeyAB's `detector test`, but for a score that suits a person."""
    if heads.task == "classify":
        return ClassifyDecode(output=names[0], activation="softmax")
    if heads.task == "segment":
        return SegmentDecode(output=names[0])
    return YoloDecode(
        score_threshold=DEFAULT_SCORE_THRESHOLD,
        iou_threshold=0.45,
        max_detections=MAX_DETECTIONS,
        scales=tuple(
            YoloScale(
                output=name,
                stride=head.strides_wh[0],
                anchors_px=head.anchors_px,
                scale_x_y=head.scale_x_y,
                new_coords=head.new_coords,
            )
            for name, head in zip(names, heads.yolo, strict=True)
        ),
    )
