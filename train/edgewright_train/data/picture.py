"""An image together with what is known of it, so that both change alike."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is not given is not known.  Of one data set, all have a mask or none has.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        boxes_xyxy: (N, 4) pixels.
        class_indices: (N,) int64, of the boxes.
        mask: (H, W) uint8 class indices, or `IGNORED`.
    """

    image: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.floating] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    class_indices: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    mask: NDArray[np.uint8] | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]
