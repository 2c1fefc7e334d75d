"""Four images in one sample: more objects, more sizes and more surroundings per step.

Source: Bochkovskiy et al. 2020, arXiv:2004.10934, section 3.3.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from ..picture import Picture
from .geometry import SizeWh, draw_window
from .settings import Augmentation

_SPLIT = (0.25, 0.75)  # where the four meet, as a share of the sides


def draw_mosaic(pictures: Sequence[Picture], settings: Augmentation, size_wh: SizeWh, rng: Generator) -> Picture:
    """Each of four pictures in a quarter of its own, at the magnification it would have alone."""
    width, height = size_wh
    column, row = (round(side * share) for side, share in zip(size_wh, rng.uniform(*_SPLIT, 2), strict=True))
    image = np.empty((height, width, 3), np.uint8)
    mask = None if pictures[0].mask is None else np.empty((height, width), np.uint8)
    boxes = []
    quarters = [(x, y) for y in ((0, row), (row, height)) for x in ((0, column), (column, width))]
    shown = []
    for picture, ((left, right), (top, bottom)) in zip(pictures, quarters, strict=True):
        part = draw_window(picture, settings, size_wh, rng, part_wh=(right - left, bottom - top))
        image[top:bottom, left:right] = part.image
        if mask is not None and part.mask is not None:
            mask[top:bottom, left:right] = part.mask
        boxes.append(part.boxes_xyxy + np.array((left, top, left, top)))
        shown.append(part.class_indices)
    return Picture(image=image, boxes_xyxy=np.concatenate(boxes), class_indices=np.concatenate(shown), mask=mask)


def draw_partners(count: int, rng: Generator) -> list[int]:
    """Indices of the three other images, of `count`."""
    return [int(index) for index in rng.integers(count, size=3)]
