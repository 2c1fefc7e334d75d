"""Changed colours."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .settings import Augmentation


def change_colours(image: NDArray[np.uint8], settings: Augmentation, rng: Generator) -> NDArray[np.uint8]:
    """`image`: (H, W, 3) BGR."""
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
