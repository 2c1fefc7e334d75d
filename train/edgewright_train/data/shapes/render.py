"""From a scene to its image: a backdrop, then from back to front the shadow and the lit body of each shape, then
uneven light, blur and grain over all of it.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .backdrop import paint_backdrop
from .masks import Shape, stamp
from .scene import Scene

Plane = NDArray[np.uint8]


def render(scene: Scene) -> Plane:
    """(H, W, 3) BGR; the same scene always gives the same image."""
    rng = np.random.default_rng(scene.texture_seed)
    image = paint_backdrop(rng, scene.width, scene.height)
    for shape in scene.shapes:
        _paint_shape(rng, image, shape, scene.light_xy)
    return _photograph(rng, image)


def _paint_shape(rng: Generator, image: Plane, shape: Shape, light_xy: tuple[float, float]) -> None:
    depth = max(2, round(shape.radius_px * 0.14))
    body = stamp(shape, margin=3 * depth)
    on_image, on_stamp = body.overlap(image.shape[1], image.shape[0])
    relief = cv2.GaussianBlur(body.coverage, (2 * depth + 1, 2 * depth + 1), 0)
    shadow = _shifted(relief, -depth * light_xy[0], -depth * light_xy[1])
    light_left = cv2.convertScaleAbs(shadow, alpha=_exact(-rng.uniform(0.3, 0.7)), beta=255)
    surface = cv2.applyColorMap(_shading(rng, relief, depth, light_xy), _colour_ramp(shape.colour_bgr))
    ground = _mixed(image[on_image], light_left[on_stamp])
    opaque = body.coverage[on_stamp]
    image[on_image] = cv2.add(_mixed(surface[on_stamp], opaque), _mixed(ground, cv2.bitwise_not(opaque)))


def _shifted(plane: Plane, dx: float, dy: float) -> Plane:
    """Moved by whole pixels; zeros come in."""
    move = np.array([(1, 0, round(dx)), (0, 1, round(dy))], np.float64)
    return cv2.warpAffine(plane, move, plane.shape[::-1], flags=cv2.INTER_NEAREST)


def _shading(rng: Generator, relief: Plane, depth: int, light_xy: tuple[float, float]) -> Plane:
    """How lit each pixel of a body is, 128 where it is flat: its rim is bevelled, its face perhaps banded."""
    slope_x, slope_y = cv2.Sobel(relief, cv2.CV_16S, 1, 0), cv2.Sobel(relief, cv2.CV_16S, 0, 1)
    towards_x, towards_y = (_exact(-0.05 * depth * component) for component in light_xy)
    shading = cv2.addWeighted(slope_x, towards_x, slope_y, towards_y, 128, dtype=cv2.CV_8U)
    if rng.random() < 0.35:
        bands = np.arange(relief.shape[1]) // int(rng.integers(3, 9)) % 2 * int(rng.integers(15, 60))
        shading = cv2.subtract(shading, np.broadcast_to(bands.astype(np.uint8), relief.shape).copy())
    return shading


def _colour_ramp(colour_bgr: tuple[int, int, int]) -> Plane:
    """A (256, 1, 3) colour map: black at 0, the colour itself at 128, towards white above."""
    level = np.arange(256).reshape(-1, 1, 1)
    colour = np.array(colour_bgr).reshape(1, 1, 3)
    lit = colour + (255 - colour) * (level - 128) // 160
    return np.where(level <= 128, colour * level // 128, lit).astype(np.uint8)


def _mixed(image: Plane, share: Plane) -> Plane:
    """`image` times `share` / 255; `share` is (H, W)."""
    return cv2.multiply(image, cv2.merge((share, share, share)), scale=1 / 255)


def _photograph(rng: Generator, image: Plane) -> Plane:
    """Uneven, slightly coloured light; sometimes out of focus; always some grain."""
    height, width = image.shape[:2]
    tint = rng.uniform(-10, 10, 3)
    lamps = np.clip(rng.uniform(60, 160, (3, 3, 1)) + tint, 0, 255).astype(np.uint8)
    light = cv2.resize(lamps, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    lit = cv2.multiply(image, light, scale=1 / 128)
    aperture = int(rng.choice((1, 1, 3, 5)))
    sharp = cv2.GaussianBlur(lit, (aperture, aperture), 0) if aperture > 1 else lit
    amplitude = _exact(rng.uniform(0.02, 0.12))
    grain = rng.integers(0, 256, image.shape, np.uint8)
    return cv2.addWeighted(sharp, 1, grain, amplitude, -128 * amplitude)


def _exact(weight: float) -> float:
    """The nearest multiple of 1/256: its products with pixels are exact, so all machines round them alike."""
    return round(weight * 256) / 256
