"""A data set that remembers what it read."""

from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from .dataset import Annotation, DetectionDataset


class Cached:
    """`dataset`, with decoded images kept up to `limit_bytes` and every annotation.  Safe for threads."""

    def __init__(self, dataset: DetectionDataset, limit_bytes: int) -> None:
        self._dataset, self._room_bytes = dataset, limit_bytes
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._annotations: dict[int, Annotation] = {}
        self._lock = Lock()

    @property
    def name(self) -> str:
        return self._dataset.name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._dataset.labels

    @cached_property
    def fingerprint(self) -> str:
        return self._dataset.fingerprint

    def __len__(self) -> int:
        return len(self._dataset)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Not to be written to."""
        image = self._images.get(index)
        if image is None:
            image = self._dataset.image(index)
            image.setflags(write=False)
            with self._lock:
                if index not in self._images and image.nbytes <= self._room_bytes:
                    self._images[index] = image
                    self._room_bytes -= image.nbytes
        return image

    def annotation(self, index: int) -> Annotation:
        if index not in self._annotations:
            self._annotations[index] = self._dataset.annotation(index)
        return self._annotations[index]

    def source(self, index: int) -> str:
        return self._dataset.source(index)
