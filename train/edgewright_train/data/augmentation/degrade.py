"""Spoilt pixels: blur and noise as of a poor camera, and a part of the sample that is hidden.

Source of the last: Zhong et al. 2020, Random Erasing, arXiv:1708.04896.
"""

import dataclasses
import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..dataset import IGNORED
from ..picture import Picture
from .geometry import BORDER_BGR, SizeWh
from .settings import Augmentation

_ERASED_SHARE = (0.02, 0.2)  # of the area
_ERASED_RATIO = (0.3, 1 / 0.3)  # of width to height
_FAINTEST_BLUR_PX = 0.1  # less changes no pixel


def degrade(picture: Picture, settings: Augmentation, rng: Generator) -> Picture:
    """What a recipe leaves out is not drawn, so that a new setting changes no old recipe."""
    image = picture.image
    if settings.blur:
        image = _blurred(image, rng.uniform(0, settings.blur))
    if settings.noise:
        image = _noisy(image, 255 * rng.uniform(0, settings.noise), seed=int(rng.integers(1 << 31)))
    picture = dataclasses.replace(picture, image=image)
    if settings.erase and rng.uniform() < settings.erase:
        return _hide(picture, _draw_rectangle(picture.size_wh, rng), settings.min_visible)
    return picture


def _blurred(image: NDArray[np.uint8], deviation_px: float) -> NDArray[np.uint8]:
    return cv2.GaussianBlur(image, (0, 0), deviation_px) if deviation_px >= _FAINTEST_BLUR_PX else image


def _noisy(image: NDArray[np.uint8], deviation: float, *, seed: int) -> NDArray[np.uint8]:
    """By OpenCV, whose generator is the thread's own: three times as fast as numpy's."""
    cv2.setRNGSeed(seed)
    noise = cv2.randn(np.empty(image.shape, np.int16), (0.0, 0.0, 0.0), (deviation, deviation, deviation))
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def _draw_rectangle(size_wh: SizeWh, rng: Generator) -> NDArray[np.int64]:
    """x0, y0, x1, y1."""
    share, ratio = rng.uniform(*_ERASED_SHARE), np.exp(rng.uniform(*np.log(_ERASED_RATIO)))
    area = share * math.prod(size_wh)
    sides = np.minimum(np.rint(np.sqrt((area * ratio, area / ratio))).astype(np.int64), size_wh)
    corner = rng.integers(0, np.array(size_wh) - sides, endpoint=True)
    return np.concatenate((corner, corner + sides))


def _hide(picture: Picture, hidden_xyxy: NDArray[np.int64], min_visible: float) -> Picture:
    """Grey and `IGNORED` there; boxes of which too little is left go."""
    left, top, right, bottom = hidden_xyxy
    image = picture.image.copy()
    image[top:bottom, left:right] = BORDER_BGR
    mask = picture.mask
    if mask is not None:
        mask = mask.copy()
        mask[top:bottom, left:right] = IGNORED
    boxes = picture.boxes_xyxy
    sides = np.minimum(boxes[:, 2:], hidden_xyxy[2:]) - np.maximum(boxes[:, :2], hidden_xyxy[:2])
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept = areas - sides.clip(min=0).prod(1) >= min_visible * areas
    return Picture(image=image, boxes_xyxy=boxes[kept], class_indices=picture.class_indices[kept], mask=mask)
