"""Which pixel shows which shape: the one source of boxes, areas, masks and the class of the image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .outline import LABELS, OUTLINES

Region = tuple[slice, slice]

_SUBPIXEL_BITS = 4
_SOLID = 128  # coverage (of 255) from which a pixel belongs to the shape


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One object.  Pixels and radians; `squeeze` narrows it across the direction of `angle`."""

    class_index: int
    centre_xy: tuple[float, float]
    radius_px: float
    angle: float
    squeeze: float
    colour_bgr: tuple[int, int, int]


@dataclass(frozen=True)
class Stamp:
    """A shape's coverage (h, w) uint8 around it; `x`, `y` place its top-left pixel, perhaps outside the image."""

    x: int
    y: int
    coverage: NDArray[np.uint8]

    def overlap(self, width: int, height: int) -> tuple[Region, Region]:
        """Where it meets an image of that size: the region of the image, and the same region of the coverage."""
        rows, columns = self.coverage.shape
        top, left = max(self.y, 0), max(self.x, 0)
        bottom, right = min(self.y + rows, height), min(self.x + columns, width)
        on_image = (slice(top, bottom), slice(left, right))
        on_stamp = (slice(top - self.y, bottom - self.y), slice(left - self.x, right - self.x))
        return on_image, on_stamp


def stamp(shape: Shape, *, margin: int = 1) -> Stamp:
    """Rasterise with soft edges and `margin` empty pixels around."""
    cosine, sine = math.cos(shape.angle), math.sin(shape.angle)
    placed = shape.radius_px * np.array([(cosine, sine), (-shape.squeeze * sine, shape.squeeze * cosine)])
    contours = [contour @ placed + shape.centre_xy for contour in OUTLINES[LABELS[shape.class_index]]]
    low, high = contours[0].min(0), contours[0].max(0)
    x, y = (math.floor(v) - margin for v in low)
    columns, rows = math.ceil(high[0]) + margin - x, math.ceil(high[1]) + margin - y
    corner_of_first_pixel = np.array((x + 0.5, y + 0.5))  # OpenCV counts from pixel centres
    fixed = [np.rint((c - corner_of_first_pixel) * (1 << _SUBPIXEL_BITS)).astype(np.int32) for c in contours]
    coverage = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(coverage, fixed, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return Stamp(x, y, coverage)


def instance_map(shapes: Sequence[Shape], width: int, height: int) -> NDArray[np.uint8]:
    """(H, W): 0 for the background, else 1 + the position in `shapes` of the frontmost shape there."""
    return _paint([stamp(shape) for shape in shapes], width, height)


def semantic_map(shapes: Sequence[Shape], instances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W): 0 for the background, else 1 + the class index."""
    table = np.zeros(256, np.uint8)
    table[1 : len(shapes) + 1] = [1 + shape.class_index for shape in shapes]
    return table[instances]


def visible_boxes(instances: NDArray[np.uint8], num_shapes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per shape: the tight box around what is seen of it (N, 4) xyxy, and the number of its pixels (N,)."""
    boxes, areas = np.zeros((num_shapes, 4), np.float32), np.zeros(num_shapes, np.float32)
    for position in range(num_shapes):
        seen = cv2.compare(instances, position + 1, cv2.CMP_EQ)
        x, y, columns, rows = cv2.boundingRect(seen)
        boxes[position] = (x, y, x + columns, y + rows)
        areas[position] = cv2.countNonZero(seen)
    return boxes, areas


def image_class(shapes: Sequence[Shape], areas_px: NDArray[np.float32]) -> int:
    """The class of the shape of which most is seen."""
    return shapes[int(areas_px.argmax())].class_index


def visible_fractions(shapes: Sequence[Shape], width: int, height: int) -> list[float]:
    """Per shape: the pixels seen of it, over those it would have alone on an endless image."""
    stamps = [stamp(shape) for shape in shapes]
    _, seen = visible_boxes(_paint(stamps, width, height), len(shapes))
    return [float(area) / np.count_nonzero(s.coverage >= _SOLID) for area, s in zip(seen, stamps, strict=True)]


def _paint(stamps: Sequence[Stamp], width: int, height: int) -> NDArray[np.uint8]:
    instances = np.zeros((height, width), np.uint8)
    for position, each in enumerate(stamps):
        on_image, on_stamp = each.overlap(width, height)
        instances[on_image][each.coverage[on_stamp] >= _SOLID] = position + 1
    return instances
