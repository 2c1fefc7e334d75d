"""The images an export is proven on besides the golden ones: the user's own where given, generated ones otherwise."""

import numpy as np
from numpy.typing import NDArray

from edgewright_train.data.dataset import DetectionDataset
from edgewright_train.data.resolve import open_split
from edgewright_train.data.shapes import ShapesDataset

_NUM_IMAGES = 8


def proof_images(data: str | None, split: str) -> tuple[DetectionDataset | None, dict[str, NDArray[np.uint8]]]:
    """The labelled data set, if one was given, and up to eight images spread over it, by name."""
    dataset = open_split(data, split) if data else None
    images: DetectionDataset = dataset or ShapesDataset("val", count=_NUM_IMAGES)
    indices = np.linspace(0, len(images) - 1, min(_NUM_IMAGES, len(images))).astype(int)
    return dataset, {images.source(int(index)): images.image(int(index)) for index in indices}
