"""One training batch as a picture: what the network sees, with what it is to learn drawn on it."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .data.dataset import IGNORED
from .data.drawing import draw_boxes, draw_classes, draw_mask, fitted, grid, with_legend
from .data.loader import Batch
from .models.architecture import Task

_CELL_PX = 416  # larger images are scaled down for the picture
_MOST_IMAGES = 64


def batch_picture(parts: Sequence[Batch], task: Task, labels: Sequence[str]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR; up to 64 images of a batch in order, in a square."""
    cells: list[NDArray[np.uint8]] = []
    shown: set[int] = set()
    for part in parts:
        images = np.ascontiguousarray(part.images.permute(0, 2, 3, 1).numpy())
        for index in range(min(len(images), _MOST_IMAGES - len(cells))):
            cell = _scaled(images[index])
            shown |= _DRAWN[task](cell, part.targets, index, labels)
            cells.append(cell)
    return with_legend(grid(cells, int(np.ceil(np.sqrt(len(cells))))), labels, sorted(shown))


def _scaled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return fitted(image, _CELL_PX)[0] if max(image.shape) > _CELL_PX else image.copy()


def _draw_boxes(cell: NDArray[np.uint8], targets: Tensor, index: int, labels: Sequence[str]) -> set[int]:
    rows = targets.numpy()
    rows = rows[rows[:, 0] == index]
    size = np.array(cell.shape[1::-1])
    corners = np.concatenate((rows[:, 2:4] - rows[:, 4:] / 2, rows[:, 2:4] + rows[:, 4:] / 2), 1) * np.tile(size, 2)
    classes = rows[:, 1].astype(np.int64)
    draw_boxes(cell, corners, classes, labels)
    return set(classes.tolist())


def _draw_classes(cell: NDArray[np.uint8], targets: Tensor, index: int, labels: Sequence[str]) -> set[int]:
    truth = targets[index]
    classes = [int(truth)] if truth.ndim == 0 else truth.nonzero().flatten().tolist()
    draw_classes(cell, classes, labels)
    return set(classes)


def _draw_mask(cell: NDArray[np.uint8], targets: Tensor, index: int, labels: Sequence[str]) -> set[int]:
    label_map = cv2.resize(targets[index].numpy(), cell.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    draw_mask(cell, np.asarray(label_map, np.uint8), labels)
    return set(np.setdiff1d(label_map, [IGNORED]).tolist())


_DRAWN = {"detect": _draw_boxes, "classify": _draw_classes, "segment": _draw_mask}
