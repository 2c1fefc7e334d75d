"""A data set that remembers what it read."""

from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import Annotation


class Cached:
    """`dataset`, with decoded images and masks kept up to `limit_bytes`, and all boxes and classes.  Safe for threads.

    Offers the truth of every task; asking for one that `dataset` does not have is the caller's mistake.
    """

    def __init__(self, dataset: Any, limit_bytes: int) -> None:
        self._dataset, self._room_bytes = dataset, limit_bytes
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._masks: dict[int, NDArray[np.uint8]] = {}
        self._annotations: dict[int, Annotation] = {}
        self._classes: dict[int, tuple[int, ...]] = {}
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
        return self._remembered(self._images, index, self._dataset.image)

    def label_map(self, index: int) -> NDArray[np.uint8]:
        """Not to be written to."""
        return self._remembered(self._masks, index, self._dataset.label_map)

    def class_indices(self, index: int) -> tuple[int, ...]:
        if index not in self._classes:
            self._classes[index] = self._dataset.class_indices(index)
        return self._classes[index]

    @property
    def multi_label(self) -> bool:
        return self._dataset.multi_label

    def annotation(self, index: int) -> Annotation:
        if index not in self._annotations:
            self._annotations[index] = self._dataset.annotation(index)
        return self._annotations[index]

    def source(self, index: int) -> str:
        return self._dataset.source(index)

    def _remembered(
        self, kept: dict[int, NDArray[np.uint8]], index: int, read: Callable[[int], NDArray[np.uint8]]
    ) -> NDArray[np.uint8]:
        pixels = kept.get(index)
        if pixels is None:
            pixels = read(index)
            pixels.setflags(write=False)
            with self._lock:
                if index not in kept and pixels.nbytes <= self._room_bytes:
                    kept[index] = pixels
                    self._room_bytes -= pixels.nbytes
        return pixels
