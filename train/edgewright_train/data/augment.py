"""One training sample from one image: a random window, mirrored or not, with changed colours, and its boxes or mask.

Images are (H, W, 3) uint8 BGR.  Everything random comes from the generator that is passed in, in a fixed order.
"""

from typing import Annotated

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..schema import Record
from .dataset import IGNORED

Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0.01, le=1)]
Factor = Annotated[float, Field(gt=0, le=10)]

_BORDER_BGR = (114, 114, 114)  # grey where the window reaches over the image, as darknet and YOLOv5 have it
_WHOLE = (1.0, 1.0)  # a crop that shows all of the image
_MIN_SIDE_PX = 2.0  # at the network's input; smaller boxes hold nothing to learn from


class Augmentation(Record):
    """How far samples may differ from their images.  The defaults change nothing.

    Attributes:
        flip: share of samples mirrored left to right.
        zoom: smallest and largest magnification; above 1 crops, below 1 pads.
        crop: smallest and largest share of the image's area that a sample shows, from inside the image; (1, 1): all.
        aspect: largest factor by which one side is stretched against the other.
        hue, saturation, brightness: largest relative change in HSV space (hue: of the half circle).
        contrast: largest relative change of the distance from black.
        min_visible: a box stays when at least this share of it is inside the window.
    """

    flip: Fraction = 0.0
    zoom: tuple[Factor, Factor] = (1.0, 1.0)
    crop: tuple[Share, Share] = _WHOLE
    aspect: Annotated[float, Field(ge=1, le=4)] = 1.0
    hue: Fraction = 0.0
    saturation: Fraction = 0.0
    brightness: Fraction = 0.0
    contrast: Fraction = 0.0
    min_visible: Fraction = 0.3

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> "Augmentation":
        if self.zoom[0] > self.zoom[1]:
            raise ValueError(f"zoom: the smallest magnification {self.zoom[0]} is above the largest {self.zoom[1]}")
        if self.crop[0] > self.crop[1]:
            raise ValueError(f"crop: the smallest share {self.crop[0]} is above the largest {self.crop[1]}")
        if self.crop != _WHOLE and self.zoom != (1.0, 1.0):
            raise ValueError("crop and zoom are two ways to choose a window; give one")
        return self


def augment(
    image: NDArray[np.uint8],
    boxes_xyxy: NDArray[np.float32],
    class_indices: NDArray[np.int64],
    settings: Augmentation,
    size_wh: tuple[int, int],
    rng: Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]:
    """The window at `size_wh`, its boxes as (N, 4) cx, cy, w, h in 0..1, and their classes."""
    window, scale, shift = _sample(image, settings, size_wh, rng)
    moved = boxes_xyxy * np.tile(scale, 2) + np.tile(shift, 2)
    moved = np.sort(moved.reshape(-1, 2, 2), 1).reshape(-1, 4)  # a mirrored box has its corners swapped
    clipped = np.clip(moved, 0, np.tile(size_wh, 2))
    sides = clipped[:, 2:] - clipped[:, :2]
    whole = (moved[:, 2:] - moved[:, :2]).prod(1)
    kept = (sides.min(1, initial=np.inf) >= _MIN_SIDE_PX) & (sides.prod(1) >= settings.min_visible * whole)
    centres = clipped[:, :2] + sides / 2
    boxes = np.concatenate((centres, sides), 1)[kept] / np.tile(size_wh, 2)
    return window, boxes.astype(np.float32), class_indices[kept]


def augment_image(
    image: NDArray[np.uint8], settings: Augmentation, size_wh: tuple[int, int], rng: Generator
) -> NDArray[np.uint8]:
    """The window at `size_wh`."""
    return _sample(image, settings, size_wh, rng)[0]


def augment_mask(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    settings: Augmentation,
    size_wh: tuple[int, int],
    rng: Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The window at `size_wh`, and its part of the mask (H, W): the nearest pixels, `IGNORED` outside the image."""
    window, scale, shift = _sample(image, settings, size_wh, rng)
    return window, _warp(mask, scale, shift, size_wh, cv2.INTER_NEAREST, IGNORED)


def _sample(
    image: NDArray[np.uint8], settings: Augmentation, size_wh: tuple[int, int], rng: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """The window, and its scale and shift."""
    scale, shift = _window(image.shape[1], image.shape[0], size_wh, settings, rng)
    # A crop's outermost pixels lie half outside the image when it ends where the image does.
    beyond = cv2.BORDER_REPLICATE if settings.crop != _WHOLE else cv2.BORDER_CONSTANT
    window = _warp(image, scale, shift, size_wh, beyond=beyond)
    return _change_colours(window, settings, rng), scale, shift


def _window(
    width: int, height: int, size_wh: tuple[int, int], settings: Augmentation, rng: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and shift (x, y): window pixel = image pixel * scale + shift.  Without zoom, the whole image."""
    source, target = np.array((width, height), float), np.array(size_wh, float)
    zoom = np.exp(rng.uniform(*np.log(settings.zoom)))
    stretch = np.exp(rng.uniform(-1, 1) * np.log(settings.aspect) / 2)
    scale = target / source * zoom * np.array((stretch, 1 / stretch))
    if settings.crop != _WHOLE:
        scale = np.maximum(scale / np.sqrt(rng.uniform(*settings.crop)), target / source)
    # Where the image is larger than the window it may lie anywhere under it; where smaller, anywhere inside.
    shift = rng.uniform(0, 1, 2) * (target - source * scale)
    if rng.uniform() < settings.flip:
        scale[0], shift[0] = -scale[0], target[0] - shift[0]
    return scale, shift


def _warp(
    image: NDArray[np.uint8],
    scale: NDArray[np.float64],
    shift: NDArray[np.float64],
    size_wh: tuple[int, int],
    interpolation: int = cv2.INTER_LINEAR,
    border: int | tuple[int, int, int] = _BORDER_BGR,
    beyond: int = cv2.BORDER_CONSTANT,
) -> NDArray[np.uint8]:
    """Sampled by `interpolation`; pixel centres lie at half integers as in `cv2.resize`, not as in `cv2.warpAffine`."""
    offset = shift + scale / 2 - 0.5
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
    return cv2.warpAffine(image, matrix, size_wh, flags=interpolation, borderMode=beyond, borderValue=border)


def _change_colours(image: NDArray[np.uint8], settings: Augmentation, rng: Generator) -> NDArray[np.uint8]:
    hue, saturation, brightness, contrast = 1 + rng.uniform(-1, 1, 4) * (
        settings.hue, settings.saturation, settings.brightness, settings.contrast,
    )  # fmt: skip
    levels = np.arange(256)
    if settings.hue or settings.saturation or settings.brightness:
        tables = (
            (levels * hue) % 180,  # OpenCV's 8-bit hue counts half degrees
            np.clip(levels * saturation, 0, 255),
            np.clip(levels * brightness, 0, 255),
        )
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv = cv2.LUT(hsv, np.stack(tables, 1).astype(np.uint8).reshape(1, 256, 3))
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if settings.contrast:
        image = cv2.LUT(image, np.clip(levels * contrast, 0, 255).astype(np.uint8))
    return image
