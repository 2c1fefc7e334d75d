"""The outlines of the generated shapes, as polygons within the unit circle."""

import math

import numpy as np
from numpy.typing import NDArray

Contour = NDArray[np.float64]  # (N, 2) vertices x, y


def _regular(num_corners: int, *radii: float) -> Contour:
    """A polygon whose corners lie at equal angles on circles of `radii`, in turn."""
    angles = [2 * math.pi * corner / num_corners for corner in range(num_corners)]
    return np.array(
        [
            (radii[corner % len(radii)] * math.sin(angle), -radii[corner % len(radii)] * math.cos(angle))
            for corner, angle in enumerate(angles)
        ]
    )


def _cross(arm: float) -> Contour:
    """Two crossing bars of half width `arm`."""
    reach = math.sqrt(1 - arm * arm)
    quarter = np.array([(arm, reach), (arm, arm), (reach, arm)])
    turn = np.array([(0.0, -1.0), (1.0, 0.0)])
    return np.concatenate([quarter @ np.linalg.matrix_power(turn, corner) for corner in range(4)])


# Label -> contours; a second contour is a hole.
OUTLINES: dict[str, tuple[Contour, ...]] = {
    "disc": (_regular(48, 0.9),),
    "ring": (_regular(48, 0.95), _regular(48, 0.52)),
    "triangle": (_regular(3, 1.0),),
    "square": (_regular(4, 1.0),),
    "star": (_regular(10, 1.0, 0.45),),
    "cross": (_cross(0.3),),
}
LABELS: tuple[str, ...] = tuple(OUTLINES)
