"""How well boxes cover each other, by the measures that detectors are trained with.

GIoU: Rezatofighi et al. 2019, arXiv:1902.09630.  DIoU and CIoU: Zheng et al. 2020, arXiv:1911.08287.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from .loss import ciou

OverlapKind = Literal["iou", "giou", "diou", "ciou"]
_EPSILON = 1e-16


def iou(boxes_cxcywh: Tensor, others_cxcywh: Tensor) -> Tensor:
    """(..., 4), (..., 4) that broadcast -> (...)."""
    overlap, union = _overlap_and_union(boxes_cxcywh, others_cxcywh)
    return overlap / (union + _EPSILON)


def giou(boxes_cxcywh: Tensor, others_cxcywh: Tensor) -> Tensor:
    """As `iou`, less the share of the common hull that neither box covers."""
    overlap, union = _overlap_and_union(boxes_cxcywh, others_cxcywh)
    hull = _hull(boxes_cxcywh, others_cxcywh).prod(-1)
    return overlap / (union + _EPSILON) - (hull - union) / (hull + _EPSILON)


def diou(boxes_cxcywh: Tensor, others_cxcywh: Tensor) -> Tensor:
    """As `iou`, less the squared distance of the centres in diagonals of the common hull."""
    distance = (boxes_cxcywh[..., :2] - others_cxcywh[..., :2]).square().sum(-1)
    diagonal = _hull(boxes_cxcywh, others_cxcywh).square().sum(-1)
    return iou(boxes_cxcywh, others_cxcywh) - distance / (diagonal + _EPSILON)


OVERLAPS: dict[OverlapKind, Callable[[Tensor, Tensor], Tensor]] = {"iou": iou, "giou": giou, "diou": diou, "ciou": ciou}


def _corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2


def _overlap_and_union(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    (low, high), (other_low, other_high) = _corners(boxes), _corners(others)
    overlap = (torch.minimum(high, other_high) - torch.maximum(low, other_low)).clamp(min=0).prod(-1)
    return overlap, boxes[..., 2:].prod(-1) + others[..., 2:].prod(-1) - overlap


def _hull(boxes: Tensor, others: Tensor) -> Tensor:
    """Width and height."""
    (low, high), (other_low, other_high) = _corners(boxes), _corners(others)
    return torch.maximum(high, other_high) - torch.minimum(low, other_low)
