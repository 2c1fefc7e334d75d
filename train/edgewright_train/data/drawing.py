"""What is known of an image, drawn on it: boxes, classes or masks.  Images are (H, W, 3) uint8 BGR."""

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .dataset import BACKGROUND, IGNORED

Image = NDArray[np.uint8]
_FONT, _SCALE, _LINE_PX = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 16
_BACKGROUND_BGR = (40, 40, 40)
_STRENGTH = 0.55  # of a mask over its image
_GOLDEN = 0.618034  # steps of this share of the circle give neighbours in a list hues far apart


def class_colour(class_index: int) -> tuple[int, int, int]:
    """BGR; the same whatever the number of classes."""
    hue, brightness = (0.02 + class_index * _GOLDEN) % 1, (1.0, 0.75)[class_index // 12 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.65, brightness)
    return round(255 * blue), round(255 * green), round(255 * red)


def draw_boxes(
    image: Image,
    boxes_xyxy: NDArray[np.floating],
    class_indices: NDArray[np.int64],
    labels: Sequence[str],
    is_crowd: NDArray[np.bool_] | None = None,
) -> None:
    """In place; large boxes first, so that small ones stay visible.  Crowds are crossed through."""
    sizes = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(1)
    tags = []
    for row in np.argsort(-sizes, kind="stable").tolist():
        left, top, right, bottom = np.rint(boxes_xyxy[row]).astype(int).tolist()
        corner, opposite = (left, top), (max(right - 1, left), max(bottom - 1, top))
        colour = class_colour(int(class_indices[row]))
        cv2.rectangle(image, corner, opposite, colour, 2)
        if is_crowd is not None and is_crowd[row]:
            cv2.line(image, corner, opposite, colour, 1, cv2.LINE_AA)
        tags.append((labels[class_indices[row]], left, top, colour))
    for tag in tags:  # over all boxes, so that they can be read
        _tag(image, *tag)


def draw_classes(image: Image, class_indices: Sequence[int], labels: Sequence[str]) -> None:
    """In place, a line each from the top."""
    for line, class_index in enumerate(class_indices):
        _tag(image, labels[class_index], 0, (line + 1) * (_LINE_PX + 1), class_colour(class_index))
    if not class_indices:
        _tag(image, "(none)", 0, _LINE_PX + 1, (200, 200, 200))


def draw_mask(image: Image, label_map: NDArray[np.uint8], labels: Sequence[str]) -> None:
    """In place: classes in their colours over the image, ignored pixels hatched, the background left as it is."""
    palette = np.array([class_colour(index) for index in range(256)], np.uint8)
    coloured = palette[label_map]
    rows, columns = np.indices(label_map.shape)
    hatched = (label_map == IGNORED) & ((rows + columns) // 4 % 2 == 0)
    plain = [IGNORED, *(index for index, label in enumerate(labels) if label == BACKGROUND)]
    known = ~np.isin(label_map, plain)
    image[known] = cv2.addWeighted(coloured, _STRENGTH, image, 1 - _STRENGTH, 0)[known]
    image[hatched] = 255


def fitted(image: Image, side: int, interpolation: int | None = None) -> tuple[Image, float]:
    """Scaled to fit a square of `side`, and the scale; the shape of the image stays."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = (cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR) if interpolation is None else interpolation
    return np.asarray(cv2.resize(image, size_wh, interpolation=how), np.uint8), scale


def grid(cells: Sequence[Image], columns: int, gap: int = 4) -> Image:
    """Cells in rows, each in the middle of its place, on dark grey."""
    columns = min(columns, len(cells))
    width = max(cell.shape[1] for cell in cells)
    rows = [cells[first : first + columns] for first in range(0, len(cells), columns)]
    bands = [np.full((gap, columns * (width + gap) + gap, 3), _BACKGROUND_BGR, np.uint8)]
    for row in rows:
        height = max(cell.shape[0] for cell in row)
        band = np.full((height + gap, bands[0].shape[1], 3), _BACKGROUND_BGR, np.uint8)
        for column, cell in enumerate(row):
            top, left = (height - cell.shape[0]) // 2, gap + column * (width + gap) + (width - cell.shape[1]) // 2
            band[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
        bands.append(band)
    return np.concatenate(bands)


def with_legend(sheet: Image, labels: Sequence[str], class_indices: Sequence[int]) -> Image:
    """With the colours of the classes named below; the background has none."""
    places, left, line = [], 8, 0
    for class_index in class_indices:
        if labels[class_index] == BACKGROUND:
            continue
        width = cv2.getTextSize(_ascii(labels[class_index]), _FONT, _SCALE, 1)[0][0] + 34
        if left + width > sheet.shape[1] and left > 8:
            left, line = 8, line + 1
        places.append((class_index, left, line))
        left += width
    legend = np.full(((line + 1) * (_LINE_PX + 4) + 8, sheet.shape[1], 3), _BACKGROUND_BGR, np.uint8)
    for class_index, x, row in places:
        y = 4 + row * (_LINE_PX + 4)
        cv2.rectangle(legend, (x, y + 2), (x + 12, y + 14), class_colour(class_index), cv2.FILLED)
        _write(legend, labels[class_index], (x + 18, y + 13), (230, 230, 230))
    return np.concatenate((sheet, legend))


def _tag(image: Image, text: str, left: int, bottom: int, colour: tuple[int, int, int]) -> None:
    """Dark on a field of the colour that ends at `bottom`, moved into the image where it would leave it."""
    width = cv2.getTextSize(_ascii(text), _FONT, _SCALE, 1)[0][0]
    left = max(0, min(left, image.shape[1] - width - 4))
    bottom = max(_LINE_PX, min(bottom, image.shape[0]))
    cv2.rectangle(image, (left, bottom - _LINE_PX + 2), (left + width + 3, bottom - 1), colour, cv2.FILLED)
    _write(image, text, (left + 2, bottom - 5), (0, 0, 0))


def _write(image: Image, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(image, _ascii(text), place, _FONT, _SCALE, colour, 1, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """OpenCV's strokes know no other letters."""
    return text.encode("ascii", "replace").decode()
