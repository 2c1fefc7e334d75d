"""SSD's loss: matched priors learn their box and class, and the most mistaken of the others that they are background.

Source: sacmehta/EdgeNets (spec-espnetv2.md section 4); Liu et al. 2016, arXiv:1512.02325.  N images, A priors,
K classes beside the background.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ...processes.group import over_batch
from ...schema import Record
from ..loss import Loss
from .ssd_match import match

Gain = Annotated[float, Field(ge=0)]


class SsdLoss(Record):
    """Settings.

    Attributes:
        box, classification: weights of the terms.
        match_iou: a prior learns an object that it overlaps by at least this much.
        negatives: background priors that learn, per matched prior of the same image.
    """

    kind: Literal["ssd"] = "ssd"
    box: Gain
    classification: Gain
    match_iou: Annotated[float, Field(gt=0, le=1)]
    negatives: Annotated[float, Field(ge=0)]


def multibox_targets(targets: Tensor, priors: Tensor, num_images: int, match_iou: float) -> tuple[Tensor, Tensor]:
    """(T, 6) rows of image, class, cx, cy, w, h -> labels (N, A) int64 and offsets (N, A, 4), see `match`."""
    of_image = [targets[targets[:, 0] == index] for index in range(num_images)]
    found = [match(rows[:, 2:], rows[:, 1].long(), priors, match_iou) for rows in of_image]
    labels, offsets = zip(*found, strict=True)
    return torch.stack(labels), torch.stack(offsets)


def multibox_loss(offsets: Tensor, logits: Tensor, labels: Tensor, wanted: Tensor, settings: SsdLoss) -> Loss:
    """Sums over priors divided by the matched ones of the batch, 0 when there are none.

    `offsets` and `wanted`: (N, A, 4); `logits`: (N, A, K + 1); `labels`: (N, A).
    """
    is_matched = labels > 0
    learns = is_matched | _hardest(logits.detach(), is_matched, settings.negatives)
    count = over_batch(is_matched.sum()).clamp(min=1)
    distance = F.smooth_l1_loss(offsets[is_matched], wanted[is_matched], reduction="sum")
    box = settings.box * over_batch(distance) / count
    entropy = F.cross_entropy(logits[learns], labels[learns], reduction="sum")
    classification = settings.classification * over_batch(entropy) / count
    return Loss(box + classification, {"box": box, "classification": classification})


def _hardest(logits: Tensor, is_matched: Tensor, per_matched: float) -> Tensor:
    """(N, A) bool: of each image the priors that are surest not to be background, `per_matched` for each match."""
    mistake = -logits.log_softmax(2)[..., 0]
    order = mistake.masked_fill(is_matched, -torch.inf).argsort(dim=1, descending=True, stable=True)
    wanted = (is_matched.sum(1, keepdim=True) * per_matched).long()
    return torch.zeros_like(is_matched).scatter(1, order, torch.arange(order.shape[1]) < wanted)
