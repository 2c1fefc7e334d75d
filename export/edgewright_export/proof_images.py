"""The images an export is proven on besides the golden ones: the user's own where given, generated ones otherwise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgewright_train.data.dataset import Dataset
from edgewright_train.data.resolve import open_split
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.models.architecture import Task

_NUM_IMAGES = 8


def proof_images(data: str | None, split: str, task: Task) -> tuple[Dataset | None, dict[str, NDArray[np.uint8]]]:
    """The data set labelled for `task`, if one was given, and up to eight images spread over it, by name."""
    dataset = open_split(data, split, task) if data else None
    images: Dataset = dataset or ShapesDataset("val", count=_NUM_IMAGES)
    return dataset, {images.source(index): images.image(index) for index in spread(range(len(images)), _NUM_IMAGES)}


def spread(indices: Sequence[int], count: int) -> list[int]:
    """Up to `count` of them, evenly, the first and the last included."""
    return [indices[at] for at in np.linspace(0, len(indices) - 1, min(count, len(indices))).astype(int).tolist()]
