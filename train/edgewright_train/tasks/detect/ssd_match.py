"""Which priors learn which object: every prior that overlaps one well, and the best prior of each object.

Source: sacmehta/EdgeNets (spec-espnetv2.md section 4); Liu et al. 2016, arXiv:1512.02325, section 2.2.  Boxes are
fractions of the input's sides.  Letters: A priors in the order map, row, column, shape; T objects of one image.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .ssd import CENTRE_VARIANCE, SIZE_VARIANCE, SsdDecode

_EPSILON = 1e-5


def priors_of(decode: SsdDecode, grids_hw: Sequence[tuple[int, int]]) -> Tensor:
    """(A, 4) cx, cy, w, h, for maps of `grids_hw`."""
    size_wh = torch.tensor((decode.width, decode.height))
    priors = []
    for scale, (rows, columns) in zip(decode.scales, grids_hw, strict=True):
        shapes = torch.tensor(scale.priors_wh)
        row, column, shape = torch.meshgrid(
            torch.arange(rows), torch.arange(columns), torch.arange(len(shapes)), indexing="ij"
        )
        cells = torch.stack((column, row), -1).reshape(-1, 2) + 0.5
        centres = (cells * torch.tensor(scale.stride_wh) / size_wh).clamp(max=1)
        priors.append(torch.cat((centres, shapes[shape.reshape(-1)]), 1))
    return torch.cat(priors)


def match(boxes: Tensor, class_indices: Tensor, priors: Tensor, iou_threshold: float) -> tuple[Tensor, Tensor]:
    """(T, 4) cx, cy, w, h and (T,) -> labels (A,) int64, 0 for the background, else 1 + class; offsets (A, 4).

    Where two objects have the same best prior, the later one gets it.  Offsets of the background mean nothing.
    """
    if not len(boxes):
        return torch.zeros(len(priors), dtype=torch.int64), torch.zeros_like(priors)
    overlap = _iou(priors, boxes)
    best_overlap, best_object = overlap.max(1)
    for index, prior in enumerate(overlap.argmax(0).tolist()):
        best_object[prior], best_overlap[prior] = index, 1.0
    labels = torch.where(best_overlap >= iou_threshold, class_indices[best_object] + 1, 0)
    matched = boxes[best_object]
    centres = (matched[:, :2] - priors[:, :2]) / priors[:, 2:] / CENTRE_VARIANCE
    sides = (matched[:, 2:] / priors[:, 2:]).log() / SIZE_VARIANCE
    return labels, torch.cat((centres, sides), 1)


def _iou(priors: Tensor, boxes: Tensor) -> Tensor:
    """(A, T)."""
    low, high = _corners(priors)
    other_low, other_high = _corners(boxes)
    sides = torch.minimum(high[:, None], other_high) - torch.maximum(low[:, None], other_low)
    overlap = sides.clamp(min=0).prod(2)
    return overlap / ((high - low).prod(1)[:, None] + (other_high - other_low).prod(1) - overlap + _EPSILON)


def _corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
