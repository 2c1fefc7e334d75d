"""A contact sheet: the first images of a data set with their boxes, to see at a glance what is in it."""

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from .dataset import DetectionDataset

_CELL = 352
_COLUMNS, _ROWS = 4, 3


def contact_sheet(dataset: DetectionDataset) -> NDArray[np.uint8]:
    """(H, W, 3) BGR; up to 4 x 3 images, each scaled to a square cell."""
    sheet = np.zeros((_ROWS * _CELL, _COLUMNS * _CELL, 3), np.uint8)
    for index in range(min(len(dataset), _ROWS * _COLUMNS)):
        top, left = index // _COLUMNS * _CELL, index % _COLUMNS * _CELL
        sheet[top : top + _CELL, left : left + _CELL] = _labelled(dataset, index)
    return sheet


def _labelled(dataset: DetectionDataset, index: int) -> NDArray[np.uint8]:
    cell = cv2.resize(dataset.image(index), (_CELL, _CELL), interpolation=cv2.INTER_AREA)
    annotation = dataset.annotation(index)
    factor = np.tile((_CELL / annotation.width, _CELL / annotation.height), 2)
    boxes = np.rint(annotation.boxes_xyxy * factor).astype(int)
    for (left, top, right, bottom), class_index in zip(boxes.tolist(), annotation.class_indices.tolist(), strict=True):
        colour = _colour(class_index, len(dataset.labels))
        cv2.rectangle(cell, (left, top), (right - 1, bottom - 1), colour, 2)
        text = dataset.labels[class_index]
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        base = max(top, height + 4)
        cv2.rectangle(cell, (left, base - height - 4), (left + width + 4, base), colour, cv2.FILLED)
        cv2.putText(cell, text, (left + 2, base - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return cell


def _colour(class_index: int, num_classes: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(class_index / num_classes, 0.6, 1.0)
    return round(255 * blue), round(255 * green), round(255 * red)
