"""Pre-processing as data: resize, colour order, mean and scale.  The C++ core does the same from the manifest.

Images are (H, W, 3) uint8 BGR unless a name says otherwise, as OpenCV reads them.
"""

from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..schema import Record

Float32 = Annotated[float, Field(ge=-3.4e38, le=3.4e38)]
Channel3 = tuple[Float32, Float32, Float32]
Side = Annotated[int, Field(ge=1, le=8192)]


class Preprocess(Record):
    """From a source image to the network's input: x = (pixel - mean) * scale, per channel in `colour_order`."""

    width: Side
    height: Side
    colour_order: Literal["bgr", "rgb"]
    resize: Literal["stretch"]
    interpolation: Literal["linear"]
    mean: Channel3
    scale: Channel3

    def network_image(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resized and in `colour_order`: (height, width, 3) uint8."""
        resized = cv2.resize(image_bgr, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        if self.colour_order == "rgb":
            resized = np.ascontiguousarray(resized[:, :, ::-1])
        return resized

    def normalise(self, network_image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(height, width, 3) uint8 in `colour_order` -> (1, 3, height, width) float32, contiguous."""
        mean, scale = np.array(self.mean, np.float32), np.array(self.scale, np.float32)
        return np.ascontiguousarray(((network_image - mean) * scale).transpose(2, 0, 1)[None])
