"""Training at several sizes, so that a network sees its objects at more scales than its data have."""

import numpy as np
from numpy.random import Generator

from .geometry import SizeWh


def draw_size(size_wh: SizeWh, factors: tuple[float, float], multiple: int, rng: Generator) -> SizeWh:
    """`size_wh` times one factor, each side to the nearest multiple, but to no more than the largest factor's."""
    factor = rng.uniform(*factors)
    largest = np.array(size_wh) * factors[1] // multiple
    width, height = np.clip(np.rint(np.array(size_wh) * factor / multiple), 1, np.maximum(largest, 1)).astype(int)
    return int(width) * multiple, int(height) * multiple
