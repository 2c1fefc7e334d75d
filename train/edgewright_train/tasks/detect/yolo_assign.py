"""Which cells and anchors of a darknet [yolo] head learn which object (spec-darknet-cfg.md section 5).

The anchor whose shape fits best, of all heads, learns an object in the cell of its centre; with `iou_thresh` below 1
the head's other anchors that fit better than that learn it too.  Letters: A anchors of the head, T objects, M matches.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...darknet.heads import YoloHead

NEVER = 1.0  # of `iou_thresh`: only the best anchor learns


@dataclass(frozen=True)
class YoloMatches:
    """(M,) int64 each: where in the (N, A, h, w) maps, and which of the targets."""

    image: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor
    target: Tensor

    @property
    def where(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Index into the maps."""
        return self.image, self.anchor, self.row, self.column

    def __len__(self) -> int:
        return len(self.target)


def assign_yolo(targets: Tensor, head: YoloHead, grid_wh: tuple[int, int]) -> YoloMatches:
    """`targets`: (T, 6) float32 rows of image, class, then cx, cy, w, h in 0..1."""
    options = head.options
    size_wh = targets.new_tensor([cells * stride for cells, stride in zip(grid_wh, head.strides_wh, strict=True)])
    fit = _shape_iou(targets[:, 4:] * size_wh, targets.new_tensor(options.anchors))  # (T, all anchors)
    own = torch.tensor(options.used_mask)
    learns = own == fit.argmax(1)[:, None]
    if options.iou_thresh < NEVER:
        learns = learns | (fit[:, own] > options.iou_thresh)
    target, anchor = learns.nonzero(as_tuple=True)
    cell = (targets[target, 2:4] * targets.new_tensor(grid_wh)).long()
    return YoloMatches(
        image=targets[target, 0].long(),
        anchor=anchor,
        row=cell[:, 1].clamp(0, grid_wh[1] - 1),
        column=cell[:, 0].clamp(0, grid_wh[0] - 1),
        target=target,
    )


def _shape_iou(sides: Tensor, anchors: Tensor) -> Tensor:
    """(T, 2), (A, 2) -> (T, A): of boxes that share a corner."""
    overlap = torch.minimum(sides[:, None], anchors).prod(2)
    return overlap / (sides.prod(1)[:, None] + anchors.prod(1) - overlap)
