"""The description of a generated image: what is where, from which pixels, boxes, masks and labels all follow.

A scene depends only on (seed, split, index, size), so any process can make any image on its own.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .masks import Shape, visible_fractions
from .outline import LABELS

MAX_SHAPES = 6
MIN_VISIBLE = 0.3  # a shape hidden, or outside the image, by more than the rest is taken out of the scene

# Relative to the shorter side of the image: boxes of about 30 to 170 pixels at 352x352.
_RADIUS_RANGE = (0.06, 0.24)
_SQUEEZE_RANGE = (0.8, 1.0)
_CROWDING = 0.15  # chance that a shape is laid against, or over, the one before
_HUE_OF_CLASS = tuple(index / len(LABELS) for index in range(len(LABELS)))
_TYPICAL_HUE = 0.85  # chance that a shape has its class's hue: a tendency to learn, not a rule to rely on


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One generated image.

    Attributes:
        shapes: back to front; at least one.
        light_xy: unit vector towards the light; y points down.
        texture_seed: of the backdrop, the grain and the blur, which carry no labels.
    """

    width: int
    height: int
    shapes: tuple[Shape, ...]
    light_xy: tuple[float, float]
    texture_seed: int


def sample_scene(seed: int, split: int, index: int, *, width: int, height: int) -> Scene:
    """The scene number `index` of a split; `split` is any number that tells the splits of a seed apart."""
    rng = np.random.default_rng((seed, split, index))
    num_shapes = int(rng.integers(1, MAX_SHAPES + 1))
    candidates: list[Shape] = []
    for _ in range(num_shapes):
        candidates.append(_sample_shape(rng, width, height, candidates))
    fractions = visible_fractions(candidates, width, height)
    shapes = tuple(shape for shape, seen in zip(candidates, fractions, strict=True) if seen >= MIN_VISIBLE)
    direction = rng.uniform(0, 2 * math.pi)
    return Scene(
        width=width,
        height=height,
        shapes=shapes,
        light_xy=(math.cos(direction), math.sin(direction)),
        texture_seed=int(rng.integers(1 << 62)),
    )


def _sample_shape(rng: Generator, width: int, height: int, behind: Sequence[Shape]) -> Shape:
    class_index = int(rng.integers(len(LABELS)))
    smallest, largest = (limit * min(width, height) for limit in _RADIUS_RANGE)
    radius = smallest * (largest / smallest) ** rng.random()
    margin = 0.5 * radius
    x, y = rng.uniform(margin, width - margin), rng.uniform(margin, height - margin)
    if behind and rng.random() < _CROWDING:
        neighbour, direction = behind[-1], rng.uniform(0, 2 * math.pi)
        distance = rng.uniform(0.5, 1.0) * (radius + neighbour.radius_px)
        x = min(max(neighbour.centre_xy[0] + distance * math.cos(direction), margin), width - margin)
        y = min(max(neighbour.centre_xy[1] + distance * math.sin(direction), margin), height - margin)
    return Shape(
        class_index=class_index,
        centre_xy=(x, y),
        radius_px=radius,
        angle=rng.uniform(0, 2 * math.pi),
        squeeze=rng.uniform(*_SQUEEZE_RANGE),
        colour_bgr=_sample_colour(rng, _HUE_OF_CLASS[class_index]),
    )


def _sample_colour(rng: Generator, typical_hue: float) -> tuple[int, int, int]:
    typical = rng.random() < _TYPICAL_HUE
    hue = typical_hue + rng.uniform(-0.04, 0.04) if typical else rng.random()
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, rng.uniform(0.6, 0.95), rng.uniform(0.65, 1.0))
    return round(255 * blue), round(255 * green), round(255 * red)
