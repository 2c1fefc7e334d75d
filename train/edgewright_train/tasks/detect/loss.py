"""The loss of YOLO-FastestV2: CIoU on matched boxes, cross-entropy on every objectness and on matched cells' classes.

Source: dog-qiuqiu/Yolo-FastestV2 (spec section 5); CIoU is Zheng et al. 2020, arXiv:1911.08287.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ...processes.group import over_batch
from ...schema import Record
from .assign import Matches, assign

# Per stride 16, 32: how much an objectness map counts.  The finer one has four times the cells.
OBJECTNESS_BALANCE = (1.0, 0.4)
_EPSILON = 1e-16

Gain = Annotated[float, Field(ge=0)]


class Gains(Record):
    """Weights of the three terms."""

    kind: Literal["yolo-fastestv2"] = "yolo-fastestv2"
    box: Gain
    objectness: Gain
    classification: Gain


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Scalars, already weighted; `total` is their sum."""

    total: Tensor
    box: Tensor
    objectness: Tensor
    classification: Tensor


def detection_loss(
    maps: Sequence[Tensor], targets: Tensor, anchors_px: Tensor, strides: Sequence[int], gains: Gains
) -> Loss:
    """Means over matches and cells, so the batch size does not scale it.

    `maps`: logits reg (N, 4A, h, w), obj (N, A, h, w), cls (N, K, h, w) per stride; `targets`: see `assign`;
    `anchors_px`: (scales, A, 2).
    """
    box = objectness = classification = maps[0].new_zeros(())
    for scale, (stride, balance) in enumerate(zip(strides, OBJECTNESS_BALANCE, strict=True)):
        reg, obj, cls = maps[3 * scale : 3 * scale + 3]
        matches = assign(targets, anchors_px[scale] / stride, (obj.shape[3], obj.shape[2]))
        present = torch.zeros_like(obj)
        present[matches.image, matches.anchor, matches.row, matches.column] = 1
        own = obj.new_tensor(float(len(matches)))
        share = own / over_batch(own).clamp(min=1)  # of the batch's matches; 1 in one process
        one = over_batch(torch.ones_like(own))
        objectness = objectness + balance * over_batch(F.binary_cross_entropy_with_logits(obj, present)) / one
        missed, wrong = reg.sum() * 0, cls.sum() * 0
        if len(matches):
            missed = (1 - ciou(_boxes(reg, matches), matches.boxes)).mean()
            wrong = _class_loss(cls, matches)
        box, classification = box + over_batch(missed * share), classification + over_batch(wrong * share)
    box, objectness, classification = (
        gains.box * box, gains.objectness * objectness, gains.classification * classification,
    )  # fmt: skip
    return Loss(total=box + objectness + classification, box=box, objectness=objectness, classification=classification)


def _boxes(reg: Tensor, matches: Matches) -> Tensor:
    """Decoded predictions at the matches: (M, 4) centre relative to the cell's corner, width, height, in cells."""
    num_images, channels, height, width = reg.shape
    by_anchor = reg.view(num_images, channels // 4, 4, height, width)
    t = by_anchor[matches.image, matches.anchor, :, matches.row, matches.column].sigmoid()
    return torch.cat((2 * t[:, :2] - 0.5, (2 * t[:, 2:]) ** 2 * matches.anchors.to(t.dtype)), 1)


def _class_loss(cls: Tensor, matches: Matches) -> Tensor:
    """Softmax cross-entropy divided by the number of classes; the anchors of a cell share one distribution."""
    num_classes = cls.shape[1]
    if num_classes == 1:
        return cls.new_zeros(())
    logits = cls[matches.image, :, matches.row, matches.column]
    return F.cross_entropy(logits, matches.class_indices) / num_classes


def ciou(boxes_cxcywh: Tensor, others_cxcywh: Tensor) -> Tensor:
    """(M, 4), (M, 4) -> (M,) complete IoU, at most 1.  No gradient flows through the trade-off factor."""
    centres, sides = boxes_cxcywh[:, :2], boxes_cxcywh[:, 2:]
    other_centres, other_sides = others_cxcywh[:, :2], others_cxcywh[:, 2:]
    low, high = centres - sides / 2, centres + sides / 2
    other_low, other_high = other_centres - other_sides / 2, other_centres + other_sides / 2
    overlap = (torch.minimum(high, other_high) - torch.maximum(low, other_low)).clamp(min=0).prod(1)
    union = sides.prod(1) + other_sides.prod(1) - overlap + _EPSILON
    iou = overlap / union
    diagonal = (torch.maximum(high, other_high) - torch.minimum(low, other_low)).square().sum(1) + _EPSILON
    distance = (centres - other_centres).square().sum(1)
    angle = torch.atan(other_sides[:, 0] / other_sides[:, 1]) - torch.atan(sides[:, 0] / sides[:, 1])
    shape = 4 / math.pi**2 * angle.square()
    with torch.no_grad():
        trade_off = shape / (1 - iou + shape + _EPSILON)  # without it: 0 / 0 for a perfect box
    return iou - distance / diagonal - trade_off * shape
