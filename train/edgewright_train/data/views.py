"""The images of one data set under a truth that follows from another."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .dataset import BACKGROUND, Dataset, DetectionDataset
from .formats.encoded import encoded_image
from .shapes.dataset import ShapesDataset


class _View:
    """`truth` names what is known of the images here, to tell the fingerprints apart."""

    def __init__(self, dataset: Dataset, labels: Sequence[str], truth: str) -> None:
        self._images, self._labels, self._truth = dataset, tuple(labels), truth

    @property
    def name(self) -> str:
        return self._images.name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self._truth, self._labels, self._images.fingerprint]).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._images)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self._images.image(index)

    def encoded_image(self, index: int) -> tuple[str, bytes]:
        return encoded_image(self._images, index)

    def source(self, index: int) -> str:
        return self._images.source(index)


class ClassesOfBoxes(_View):
    """A multi-label `ClassificationDataset`: an image shows the classes of its boxes, crowds included."""

    def __init__(self, dataset: DetectionDataset) -> None:
        super().__init__(dataset, dataset.labels, "classes of boxes")
        self._boxes = dataset

    @property
    def multi_label(self) -> bool:
        return True

    def class_indices(self, index: int) -> tuple[int, ...]:
        return tuple(np.unique(self._boxes.annotation(index).class_indices).tolist())


class ClassesOfShapes(_View):
    """A `ClassificationDataset` of generated images: the class of the object of which most is seen."""

    def __init__(self, dataset: ShapesDataset) -> None:
        super().__init__(dataset, dataset.labels, "largest shape")
        self._shapes = dataset

    @property
    def multi_label(self) -> bool:
        return False

    def class_indices(self, index: int) -> tuple[int, ...]:
        return (self._shapes.image_class(index),)


class MasksOfShapes(_View):
    """A `SegmentationDataset` of generated images; class 0 is the background."""

    def __init__(self, dataset: ShapesDataset) -> None:
        super().__init__(dataset, (BACKGROUND, *dataset.labels), "semantic masks")
        self._shapes = dataset

    def label_map(self, index: int) -> NDArray[np.uint8]:
        return self._shapes.semantics(index)
