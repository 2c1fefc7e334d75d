"""Where an image lies in a window: one matrix, by which its pixels, its mask and its boxes are moved together.

Points count from the corner of the first pixel, whose centre is (0.5, 0.5).
"""

import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..dataset import IGNORED
from ..picture import Picture
from .settings import WHOLE, Augmentation

Matrix = NDArray[np.float64]  # (2, 3): point of the window = matrix @ (x, y, 1) of the image
SizeWh = tuple[int, int]

BORDER_BGR = (114, 114, 114)  # grey where a window reaches over its image, as darknet and YOLOv5 have it
MIN_SIDE_PX = 2.0  # at the network's input; smaller boxes hold nothing to learn from


def draw_window(
    picture: Picture, settings: Augmentation, size_wh: SizeWh, rng: Generator, *, part_wh: SizeWh | None = None
) -> Picture:
    """`picture` as a window of `size_wh` shows it, moved as `settings` allow; all of it where they allow nothing.

    A window of `part_wh` shows it at the same magnification.
    """
    target, part = np.array(size_wh, float), np.array(part_wh or size_wh, float)
    matrix = _draw_matrix(np.array(picture.size_wh, float), target, part, settings, rng)
    # A crop's outermost pixels lie half outside the image when it ends where the image does.
    inside = settings.crop != WHOLE and not (settings.rotate or settings.shear or settings.translate)
    return _seen(picture, matrix, part_wh or size_wh, settings.min_visible, beyond=_REPLICATED if inside else _GREY)


def _draw_matrix(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    part: NDArray[np.float64],
    settings: Augmentation,
    rng: Generator,
) -> Matrix:
    """Sizes are (width, height).  What a recipe leaves out is not drawn, so a new setting changes no old recipe."""
    zoom = np.exp(rng.uniform(*np.log(settings.zoom)))
    stretch = np.exp(rng.uniform(-1, 1) * np.log(settings.aspect) / 2)
    scale = target / source * zoom * np.array((stretch, 1 / stretch))
    if settings.crop != WHOLE:
        scale = np.maximum(scale / np.sqrt(rng.uniform(*settings.crop)), target / source)
    # Where the image is larger than the window it may lie anywhere under it; where smaller, anywhere inside.
    shift = rng.uniform(0, 1, 2) * (part - source * scale)
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    mirrored = [rng.uniform() < settings.flip, False]
    if settings.flip_vertical:
        mirrored[1] = rng.uniform() < settings.flip_vertical
    if settings.rotate or settings.shear:
        matrix = _after_turn(matrix, source / 2, _draw_turn(settings, rng))
    if settings.translate:
        matrix[:, 2] += rng.uniform(-1, 1, 2) * settings.translate * target
    matrix[mirrored] *= -1
    matrix[mirrored, 2] += part[mirrored]
    return matrix


def _draw_turn(settings: Augmentation, rng: Generator) -> NDArray[np.float64]:
    """(2, 2): a rotation after a slant of both axes."""
    turn, slant_x, slant_y = np.radians(rng.uniform(-1, 1, 3) * (settings.rotate, settings.shear, settings.shear))
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, math.tan(slant_x)], [math.tan(slant_y), 1]])


def _after_turn(matrix: Matrix, centre: NDArray[np.float64], turn: NDArray[np.float64]) -> Matrix:
    """`matrix` for an image that is first turned about `centre`."""
    linear, shift = matrix[:, :2], matrix[:, 2]
    return np.column_stack((linear @ turn, linear @ (centre - turn @ centre) + shift))


_GREY, _REPLICATED = cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE


def _seen(picture: Picture, matrix: Matrix, size_wh: SizeWh, min_visible: float, *, beyond: int) -> Picture:
    """Pixels between those of the image, the nearest of the mask; `IGNORED` beyond it."""
    # cv2.warpAffine counts points from the centre of the first pixel.
    centres = np.column_stack((matrix[:, :2], matrix[:, :2] @ (0.5, 0.5) + matrix[:, 2] - 0.5))
    image = cv2.warpAffine(picture.image, centres, size_wh, borderMode=beyond, borderValue=BORDER_BGR)
    mask = picture.mask
    if mask is not None:
        mask = cv2.warpAffine(mask, centres, size_wh, flags=cv2.INTER_NEAREST, borderValue=IGNORED)
    moved = move_boxes(picture.boxes_xyxy, matrix)
    clipped, kept = clip_boxes(moved, size_wh, min_visible)
    return Picture(
        image=image,
        boxes_xyxy=clipped[kept],
        class_indices=picture.class_indices[kept],
        mask=mask,
    )


def move_boxes(boxes_xyxy: NDArray[np.floating], matrix: Matrix) -> NDArray[np.float64]:
    """(N, 4) -> (N, 4): the upright boxes around the moved ones."""
    corners = boxes_xyxy[:, [[0, 1], [2, 1], [2, 3], [0, 3]]] @ matrix[:, :2].T + matrix[:, 2]  # (N, 4, 2)
    return np.concatenate((corners.min(1), corners.max(1)), 1)


def clip_boxes(
    boxes_xyxy: NDArray[np.float64], size_wh: SizeWh, min_visible: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N, 4), cut where the window ends, and whether enough of each is left."""
    clipped = np.clip(boxes_xyxy, 0, np.tile(size_wh, 2))
    sides, whole = clipped[:, 2:] - clipped[:, :2], boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    return clipped, (sides.min(1, initial=np.inf) >= MIN_SIDE_PX) & (sides.prod(1) >= min_visible * whole.prod(1))
