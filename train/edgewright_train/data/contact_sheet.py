"""A contact sheet: some images of a data set with what is known of them, to see at a glance what is in it."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..models.architecture import Task
from .dataset import IGNORED
from .drawing import draw_boxes, draw_classes, draw_mask, fitted, grid, with_legend

_CELL_PX = 352
_COLUMNS, _ROWS = 4, 3
NUM_CELLS = _COLUMNS * _ROWS


def contact_sheet(dataset: Any, task: Task, indices: Sequence[int]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR; the images at `indices`, four in a row, each scaled to fit a square cell."""
    cells = [_CELLS[task](dataset, index) for index in indices]
    return with_legend(grid(cells, _COLUMNS), dataset.labels, _shown(dataset, task, indices))


def varied_images(classes_of: Sequence[Sequence[int]], count: int = NUM_CELLS) -> list[int]:
    """`count` images, or all: first one of each class, the rarest first, then at equal distances; in order.

    `classes_of`: by image.
    """
    images_of: dict[int, list[int]] = {}
    for index, classes in enumerate(classes_of):
        for class_index in classes:
            images_of.setdefault(class_index, []).append(index)
    chosen: set[int] = set()
    shown: set[int] = set()
    for class_index in sorted(images_of, key=lambda each: (len(images_of[each]), each)):
        if class_index not in shown and len(chosen) < count:
            images = images_of[class_index]
            best = max(images, key=lambda index: len(set(classes_of[index]) - shown))
            chosen.add(best)
            shown |= set(classes_of[best])
    spread = np.linspace(0, len(classes_of) - 1, count).round().astype(int).tolist() if classes_of else []
    for index in (*spread, *range(len(classes_of))):
        if len(chosen) < count:
            chosen.add(index)
    return sorted(chosen)


def _shown(dataset: Any, task: Task, indices: Sequence[int]) -> list[int]:
    """Classes that can be seen."""
    if task == "detect":
        found = [dataset.annotation(index).class_indices for index in indices]
    elif task == "segment":
        found = [np.setdiff1d(dataset.label_map(index), [IGNORED]) for index in indices]
    else:
        found = [np.array(dataset.class_indices(index), np.int64) for index in indices]
    return np.unique(np.concatenate(found)).astype(int).tolist() if found else []


def _box_cell(dataset: Any, index: int) -> NDArray[np.uint8]:
    cell, scale = fitted(dataset.image(index), _CELL_PX)
    annotation = dataset.annotation(index)
    draw_boxes(cell, annotation.boxes_xyxy * scale, annotation.class_indices, dataset.labels, annotation.is_crowd)
    return cell


def _class_cell(dataset: Any, index: int) -> NDArray[np.uint8]:
    cell, _ = fitted(dataset.image(index), _CELL_PX)
    draw_classes(cell, dataset.class_indices(index), dataset.labels)
    return cell


def _mask_cell(dataset: Any, index: int) -> NDArray[np.uint8]:
    cell, _ = fitted(dataset.image(index), _CELL_PX)
    label_map = cv2.resize(dataset.label_map(index), cell.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    draw_mask(cell, label_map, dataset.labels)
    return cell


_CELLS = {"detect": _box_cell, "classify": _class_cell, "segment": _mask_cell}
