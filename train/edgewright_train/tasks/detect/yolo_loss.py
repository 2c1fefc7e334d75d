"""The loss of darknet's [yolo] heads, as the options of the cfg say (spec-darknet-cfg.md section 5).

Sums over cells, anchors and classes, divided by the number of images, as darknet counts them.  Its gradients are not
darknet's to the bit, which leaves factors of the chain rule out; targets and weights are.  Letters: N images, A anchors
of a head, K classes, M matches, U distinct places (image, anchor, cell) of matches.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ...darknet.heads import YoloHead
from ...processes.group import over_batch
from ...schema import Record
from ..loss import Loss
from .overlap import OVERLAPS, iou
from .yolo_assign import YoloMatches, assign_yolo

_RECOGNISED = 0.25  # probability from which on a class counts as found, when deciding what is left alone
_MAX_LOG_SIDE = 8.0  # e^8 anchors; more would overflow before it means anything


class YoloLoss(Record):
    """All settings are the cfg's."""

    kind: Literal["yolo"] = "yolo"


def yolo_loss(maps: Sequence[Tensor], targets: Tensor, heads: Sequence[YoloHead]) -> Loss:
    """`maps`: (N, A (5 + K), h, w) per head; `targets`: (T, 6) rows of image, class, cx, cy, w, h in 0..1."""
    parts = [_head_loss(single, targets, head) for single, head in zip(maps, heads, strict=True)]
    num_images = over_batch(maps[0].new_tensor(float(len(maps[0]))))
    box, objectness, classification = (
        over_batch(sum(terms, start=maps[0].new_zeros(()))) / num_images for terms in zip(*parts, strict=True)
    )
    return Loss(
        box + objectness + classification, {"box": box, "objectness": objectness, "classification": classification}
    )


def _head_loss(single: Tensor, targets: Tensor, head: YoloHead) -> tuple[Tensor, Tensor, Tensor]:
    """Box, objectness and classification, summed over the images."""
    options = head.options
    num_images, _, height, width = single.shape
    # (N, A, h, w, 5 + K)
    planes = single.view(num_images, len(head.anchors_px), -1, height, width).permute(0, 1, 3, 4, 2)
    entropy = F.binary_cross_entropy if head.new_coords else F.binary_cross_entropy_with_logits
    matches = assign_yolo(targets, head, (width, height))
    weights = _class_weights(head)[targets[:, 1].long()]  # (T,)

    places, place = torch.unique(torch.stack(matches.where, 1), dim=0, return_inverse=True)  # (U, 4), (M,)
    where = tuple(places.T)
    present = torch.zeros_like(planes[..., 4])
    present[where] = 1
    counted = (~_left_alone(planes.detach(), targets, head)).to(present.dtype)
    counted[where] = torch.zeros(len(places)).scatter_reduce(0, place, weights[matches.target], "amax")
    objectness = options.obj_normalizer * entropy(planes[..., 4], present, counted, reduction="sum")

    share = weights[matches.target] / place.bincount(minlength=len(places))[place]  # (M,)
    box = options.iou_normalizer * (_box_losses(planes, matches, targets, head) * share).sum()

    shown, importance = _class_targets(matches, targets, weights, place, len(places), head)
    classification = entropy(planes[where][:, 5:], shown, importance, reduction="sum")
    factor = options.delta_normalizer
    return factor * box, factor * objectness, factor * classification


def _class_weights(head: YoloHead) -> Tensor:
    """(K,): how much rarer each class is than the most frequent one, where the cfg counts them."""
    counters = head.options.counters_per_class
    if not counters:
        return torch.ones(head.num_classes)
    counts = torch.tensor(counters, dtype=torch.float32).clamp(min=1)
    return (counts.max() / counts).clamp(max=head.options.max_delta)


def _class_targets(
    matches: YoloMatches, targets: Tensor, weights: Tensor, place: Tensor, num_places: int, head: YoloHead
) -> tuple[Tensor, Tensor]:
    """(U, K) what is shown, smoothed, and how much each entry counts."""
    options = head.options
    shown = torch.zeros(num_places, head.num_classes)
    importance = torch.ones_like(shown)
    entries = place, targets[matches.target, 1].long()
    shown[entries] = 1
    if options.counters_per_class:
        importance[entries] = weights[matches.target] * options.cls_normalizer
    smoothing = options.label_smooth_eps
    return shown * (1 - smoothing) + smoothing / 2, importance


def _box_losses(planes: Tensor, matches: YoloMatches, targets: Tensor, head: YoloHead) -> Tensor:
    """(M,)."""
    kind = head.options.iou_loss
    wanted, cells = targets[matches.target, 2:], planes[matches.where]
    if kind != "mse":
        return 1 - OVERLAPS[kind](_boxes(cells, matches, planes.shape, head), wanted)
    grid = wanted.new_tensor((planes.shape[3], planes.shape[2]))
    corners = torch.stack((matches.column, matches.row), 1)
    ratio = wanted[:, 2:] * _size_wh(planes.shape, head) / wanted.new_tensor(head.anchors_px)[matches.anchor]
    sides = ratio.sqrt() / 2 if head.new_coords else ratio.log()
    found = torch.cat((_offsets(cells, head), cells[:, 2:4]), 1)
    errors = found - torch.cat((wanted[:, :2] * grid - corners, sides), 1)
    return (2 - wanted[:, 2:].prod(1)) * errors.square().sum(1) / 2


@torch.no_grad()
def _left_alone(planes: Tensor, targets: Tensor, head: YoloHead) -> Tensor:
    """(N, A, h, w) bool: boxes that fit an object whose class they show; they need not be background."""
    num_images, _, height, width, _ = planes.shape
    index = torch.ones(planes.shape[1:4], dtype=torch.bool).nonzero()  # (A h w, 3)
    everywhere = YoloMatches(index[:, 0], index[:, 0], index[:, 1], index[:, 2], index[:, 0])
    left = torch.zeros(num_images, len(index), dtype=torch.bool)
    for image in range(num_images):
        here = targets[targets[:, 0] == image]
        if not len(here):
            continue
        cells = planes[image].reshape(len(index), -1)
        found = _boxes(cells, everywhere, planes.shape, head)
        classes = cells[:, 5:] if head.new_coords else cells[:, 5:].sigmoid()
        shows = classes[:, here[:, 1].long()] > _RECOGNISED
        left[image] = ((iou(found[:, None], here[:, 2:]) > head.options.ignore_thresh) & shows).any(1)
    return left.view(num_images, -1, height, width)


def _boxes(cells: Tensor, matches: YoloMatches, shape: torch.Size, head: YoloHead) -> Tensor:
    """(M, 5 + K) at `matches` of planes of `shape` -> (M, 4) cx, cy, w, h in 0..1."""
    grid = cells.new_tensor((shape[3], shape[2]))
    corners = torch.stack((matches.column, matches.row), 1)
    t = cells[:, 2:4]
    factor = (2 * t).square() if head.new_coords else t.clamp(max=_MAX_LOG_SIDE).exp()
    sides = factor * cells.new_tensor(head.anchors_px)[matches.anchor] / _size_wh(shape, head)
    return torch.cat(((_offsets(cells, head) + corners) / grid, sides), 1)


def _offsets(cells: Tensor, head: YoloHead) -> Tensor:
    """(M, 2) centres relative to the corner of their cell, in cells."""
    activated = cells[:, :2] if head.new_coords else cells[:, :2].sigmoid()
    return activated * head.scale_x_y - (head.scale_x_y - 1) / 2


def _size_wh(shape: torch.Size, head: YoloHead) -> Tensor:
    """Of the network's input, pixels."""
    return torch.tensor((shape[3] * head.strides_wh[0], shape[2] * head.strides_wh[1]), dtype=torch.float32)
