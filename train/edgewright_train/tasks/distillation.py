"""Learning from what another network says of the same images.

Sources: Hinton et al. 2015, arXiv:1503.02531 (softened answers); Lee 2013 (its detections as labels).  N images,
K classes.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ..processes.group import over_batch
from ..schema import Record
from .detect.overlap import iou

_SAME_OBJECT_IOU = 0.5


class Distillation(Record):
    """Settings.

    Attributes:
        weight: of what the teacher adds to the loss of a classifier or segmenter.
        temperature: by which both networks' logits are divided, so that the small answers count too.
        score: from which on a detector's box is taught.
    """

    weight: Annotated[float, Field(ge=0)] = 1.0
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    score: Annotated[float, Field(gt=0, le=1)] = 0.4


def softmax_distillation(logits: Tensor, taught: Tensor, settings: Distillation) -> Tensor:
    """(N, K, ...) both -> divergence from the teacher's answer, the mean over all but the classes."""
    heat = settings.temperature
    divergence = F.kl_div(
        (logits / heat).log_softmax(1), (taught / heat).log_softmax(1), reduction="sum", log_target=True
    )
    count = logits.new_tensor(float(logits.numel() // logits.shape[1]))
    return settings.weight * heat**2 * over_batch(divergence) / over_batch(count)


def sigmoid_distillation(logits: Tensor, taught: Tensor, settings: Distillation) -> Tensor:
    """(N, K) both -> cross-entropy to the teacher's probabilities, less its smallest value, the mean over all."""
    heat = settings.temperature
    truth = (taught / heat).sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits / heat, truth, reduction="sum")
    entropy = entropy - F.binary_cross_entropy_with_logits(taught / heat, truth, reduction="sum")
    return settings.weight * heat**2 * over_batch(entropy) / over_batch(logits.new_tensor(float(logits.numel())))


def with_taught_boxes(targets: Tensor, taught: Tensor) -> Tensor:
    """(T, 6) and (U, 6) rows of image, class, cx, cy, w, h -> both, less the taught boxes of objects that are labelled.

    A box is of a labelled object when it overlaps one of the same image and class by at least half.
    """
    if not len(taught) or not len(targets):
        return torch.cat((targets, taught))
    same = (taught[:, None, :2] == targets[None, :, :2]).all(2)
    known = same & (iou(taught[:, None, 2:], targets[None, :, 2:]) >= _SAME_OBJECT_IOU)
    return torch.cat((targets, taught[~known.any(1)]))
