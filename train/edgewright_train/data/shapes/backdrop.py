"""What generated shapes lie on: cloudy walls, tiled floors in perspective, and clutter that is none of the classes.

Small arrays are enlarged, which is fast.  Only arithmetic whose every step is exact or rounds once, elementwise, is
used (weights are multiples of 1/256), so that every machine makes the same bytes.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

_OCTAVES = ((3, 0.5), (8, 0.375), (24, 0.375), (70, 0.25))  # cells along a side, share mixed into the coarser ones
_TILES_SIDE = 256


def paint_backdrop(rng: Generator, width: int, height: int) -> NDArray[np.uint8]:
    """(H, W, 3) BGR."""
    walls = _ramp(_muted_colours(rng, 3))
    image = cv2.applyColorMap(_clouds(rng, width, height), walls)
    if rng.random() < 0.7:
        horizon = int(height * rng.uniform(-0.6, 0.6))
        floor = _floor(rng, width, height, horizon)
        image[height - len(floor) :] = cv2.applyColorMap(floor, _ramp(_muted_colours(rng, 3)))
    _scatter_clutter(rng, image)
    return image


def _clouds(rng: Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Value noise of several octaves, (H, W)."""
    total = np.full((height, width), 128, np.uint8)
    for num_cells, share in _OCTAVES:
        cells = rng.integers(0, 256, (num_cells, num_cells), np.uint8)
        layer = cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
        total = cv2.addWeighted(total, 1 - share, layer, share, 0)
    darkest, lightest = int(total.min()), int(total.max())
    stretched = (np.arange(256) - darkest) * 255 // (lightest - darkest)
    return cv2.LUT(total, np.clip(stretched, 0, 255).astype(np.uint8))


def _floor(rng: Generator, width: int, height: int, horizon: int) -> NDArray[np.uint8]:
    """Tiles, planks or bricks on a plane that recedes to the row `horizon`: the image from there down, (rows, W)."""
    first_row = max(horizon, 0)
    rows = np.arange(first_row, height, dtype=np.float64)[:, None]
    columns = np.arange(width, dtype=np.float64)[None] - rng.uniform(0.3, 0.7) * width
    nearness = (rows - horizon + 0.06 * height) / height
    across = columns * (rng.uniform(0.4, 1.6) * _TILES_SIDE / width) / nearness
    along = rng.uniform(0.3, 0.8) * _TILES_SIDE / nearness
    turn = rng.uniform(-1, 1)
    x = (across + turn * along).astype(np.int32) & (_TILES_SIDE - 1)
    y = (along - turn * across).astype(np.int32) & (_TILES_SIDE - 1)
    return np.take(_tiles(rng), y * _TILES_SIDE + x)


def _tiles(rng: Generator) -> NDArray[np.uint8]:
    side = _TILES_SIDE
    rows, columns = (int(n) for n in rng.choice((2, 4, 8, 16), 2))
    tones = rng.integers(60, 220, (rows, columns), np.uint8)
    tiles = cv2.resize(tones, (side, side), interpolation=cv2.INTER_NEAREST)
    grain = rng.integers(0, 256, (side // 2, side // 8), np.uint8)
    tiles = cv2.addWeighted(tiles, 0.75, cv2.resize(grain, (side, side), interpolation=cv2.INTER_LINEAR_EXACT), 0.25, 0)
    joint = int(rng.integers(0, 255))
    tiles[:: side // rows] = joint
    tiles[:, :: side // columns] = joint
    if rng.random() < 0.5:  # bricks: every other row moved by half a brick
        courses = tiles.reshape(rows, side // rows, side)
        courses[1::2] = np.roll(courses[1::2], side // columns // 2, axis=2)
    return tiles


def _muted_colours(rng: Generator, count: int) -> NDArray[np.uint8]:
    """(count, 3) BGR around one random grey-ish colour."""
    common = rng.uniform(40, 200) + rng.uniform(-25, 25, 3)
    colours = common + rng.uniform(-45, 45, (count, 1)) + rng.uniform(-12, 12, (count, 3))
    return np.clip(colours, 0, 255).astype(np.uint8)


def _ramp(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A (256, 1, 3) colour map through `colours` (count, 3)."""
    return cv2.resize(colours[:, None], (1, 256), interpolation=cv2.INTER_LINEAR_EXACT)


def _cable(rng: Generator) -> NDArray[np.float64]:
    return np.cumsum(rng.uniform(-25, 25, (12, 2)) + rng.uniform(-25, 25, 2), 0)


def _arc(rng: Generator) -> NDArray[np.float64]:
    angles = rng.uniform(0, 6.3) + np.linspace(0, rng.uniform(0.8, 2.6), 16)
    return rng.uniform(20, 120) * np.stack((np.cos(angles), np.sin(angles)), 1)


def _bar(rng: Generator) -> NDArray[np.float64]:
    along = rng.uniform(-1, 1, 2)
    across = along[::-1] * (1, -1) * rng.uniform(0.02, 0.08)
    return rng.uniform(40, 160) * np.stack((along + across, along - across, -along - across, -along + across))


def _stain(rng: Generator) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radii = rng.uniform(10, 40) * rng.uniform(0.4, 1.0, 14)
    return np.stack((radii * np.cos(angles) * rng.uniform(0.4, 1.8), radii * np.sin(angles)), 1)


# Points around the place of the thing, in pixels of a 352 pixel image; and whether they bound an area.
_CLUTTER: tuple[tuple[Callable[[Generator], NDArray[np.float64]], bool], ...] = (
    (_cable, False),
    (_arc, False),
    (_bar, True),
    (_stain, True),
)


def _scatter_clutter(rng: Generator, image: NDArray[np.uint8]) -> None:
    height, width = image.shape[:2]
    unit = min(width, height) / 352
    for colour in _muted_colours(rng, int(rng.integers(3, 9))).tolist():
        outline, filled = _CLUTTER[int(rng.integers(len(_CLUTTER)))]
        points = rng.random(2) * (width, height) + unit * outline(rng)
        fixed = np.rint(points * 16).astype(np.int32)
        if filled:
            cv2.fillPoly(image, [fixed], colour, cv2.LINE_AA, 4)
        else:
            cv2.polylines(image, [fixed], False, colour, int(rng.integers(1, 4)), cv2.LINE_AA, 4)
