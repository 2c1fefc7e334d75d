"""Pre-processing as data: resize, colour order, mean and scale.  The C++ core does the same from the manifest.

Images are (H, W, 3) uint8 BGR unless a name says otherwise, as OpenCV reads them.
"""

from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..schema import Record
from .placement import Placement, letterboxed, stretched

Float32 = Annotated[float, Field(ge=-3.4e38, le=3.4e38)]
Channel3 = tuple[Float32, Float32, Float32]
Side = Annotated[int, Field(ge=1, le=8192)]
Resize = Literal["stretch", "letterbox"]
Padding = Annotated[int, Field(ge=0, le=255)]


def check_padding(resize: Resize, padding: int | None) -> None:
    """Raises `ValueError` unless it is given for what leaves pixels to pad, and only then."""
    if (padding is None) == (resize == "letterbox"):
        raise ValueError("padding must be given for letterbox, and only for it")


class Preprocess(Record):
    """From a source image to the network's input: x = (pixel - mean) * scale, per channel in `colour_order`.

    Attributes:
        resize: "stretch" changes the shape of what is seen; "letterbox" keeps it and pads.
        padding: the pixels around a letterboxed image, in every channel; only letterbox has it.
    """

    width: Side
    height: Side
    colour_order: Literal["bgr", "rgb"]
    resize: Resize
    interpolation: Literal["linear"]
    mean: Channel3
    scale: Channel3
    padding: Padding | None = None

    @model_validator(mode="after")
    def _pads_what_is_left(self) -> "Preprocess":
        check_padding(self.resize, self.padding)
        return self

    def placement(self, source_wh: tuple[int, int]) -> Placement:
        """Where an image of that size lies in the network image."""
        place = letterboxed if self.resize == "letterbox" else stretched
        return place((self.width, self.height), source_wh)

    def network_image(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resized and in `colour_order`: (height, width, 3) uint8."""
        placed = self.placement((image_bgr.shape[1], image_bgr.shape[0]))
        resized = cv2.resize(image_bgr, (placed.width, placed.height), interpolation=cv2.INTER_LINEAR)
        if self.padding is not None:
            padded = np.full((self.height, self.width, 3), self.padding, np.uint8)
            padded[placed.top : placed.top + placed.height, placed.left : placed.left + placed.width] = resized
            resized = padded
        if self.colour_order == "rgb":
            resized = np.ascontiguousarray(resized[:, :, ::-1])
        return resized

    def normalise(self, network_image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(height, width, 3) uint8 in `colour_order` -> (1, 3, height, width) float32, contiguous."""
        mean, scale = np.array(self.mean, np.float32), np.array(self.scale, np.float32)
        return np.ascontiguousarray(((network_image - mean) * scale).transpose(2, 0, 1)[None])
