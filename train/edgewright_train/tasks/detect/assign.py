"""Which grid cells and anchors learn which object: anchors of a like shape, in the owner cell and its near neighbours.

Source: dog-qiuqiu/Yolo-FastestV2 after ultralytics/yolov5 (spec section 4).  Letters: T targets, A anchors of the
scale, M matches.  A target may match several anchors and cells, several targets the same one, or a target none.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# An anchor fits when no side is this many times longer or shorter than the target's (YOLOv5 allows 4).
MAX_SIDE_RATIO = 2.0
# Cell offsets that also learn a target: its own, and each neighbour whose centre line is nearer than half a cell.
_NEIGHBOURS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (-0.5, 0.0), (0.0, -0.5))  # owner, left, up, right, down


@dataclass(frozen=True)
class Matches:
    """Of one scale; M entries.  Lengths are in grid cells.

    Attributes:
        image, anchor, row, column: (M,) int64, where in the (N, A, h, w) maps.
        boxes: (M, 4) float32: centre relative to the cell's corner, width, height.
        class_indices: (M,) int64.
        anchors: (M, 2) float64 (w, h).
    """

    image: Tensor
    anchor: Tensor
    row: Tensor
    column: Tensor
    boxes: Tensor
    class_indices: Tensor
    anchors: Tensor

    def __len__(self) -> int:
        return len(self.class_indices)


def assign(targets: Tensor, anchors: Tensor, grid_wh: tuple[int, int]) -> Matches:
    """`targets`: (T, 6) float32 rows of image, class, then cx, cy, w, h in 0..1.  `anchors`: (A, 2) in grid cells.

    The order is the source's: all owner cells (anchor by anchor), then the left, upper, right and lower neighbours.
    """
    anchors = anchors.double()  # as the source has them: a ratio of exactly two must fall on the same side
    grid = targets.new_tensor(grid_wh)
    centres, sides = targets[:, 2:4] * grid, targets[:, 4:6] * grid
    ratio = sides[None] / anchors[:, None]  # (A, T, 2)
    fits = torch.maximum(ratio, 1 / ratio).amax(2) < MAX_SIDE_RATIO
    anchor, target = fits.nonzero(as_tuple=True)

    near = _learns(centres[target], grid)  # (5, M')
    which, match = near.nonzero(as_tuple=True)
    anchor, target = anchor[match], target[match]
    offset = targets.new_tensor(_NEIGHBOURS)[which]
    cell = (centres[target] - offset).long()
    column, row = cell[:, 0].clamp(0, grid_wh[0] - 1), cell[:, 1].clamp(0, grid_wh[1] - 1)
    relative = centres[target] - torch.stack((column, row), 1)
    return Matches(
        image=targets[target, 0].long(),
        anchor=anchor,
        row=row,
        column=column,
        boxes=torch.cat((relative, sides[target]), 1),
        class_indices=targets[target, 1].long(),
        anchors=anchors[anchor],
    )


def _learns(centres: Tensor, grid: Tensor) -> Tensor:
    """(M, 2) centres in cells -> (5, M) bool, in the order of `_NEIGHBOURS`; a neighbour must lie on the grid."""
    from_far = grid - centres
    low = ((centres % 1 < 0.5) & (centres > 1)).T
    high = ((from_far % 1 < 0.5) & (from_far > 1)).T
    owner = torch.ones_like(low[:1])
    return torch.cat((owner, low, high))
