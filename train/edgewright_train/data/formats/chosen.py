"""Some of the images of a data set."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset import Annotation
from .encoded import encoded_image


class Chosen:
    """The images of `dataset` at `indices`, in that order.

    Offers the truth of every task; asking for one that `dataset` does not have is the caller's mistake.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self._dataset, self._indices = dataset, tuple(indices)

    @property
    def name(self) -> str:
        return self._dataset.name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._dataset.labels

    @cached_property
    def fingerprint(self) -> str:
        chosen = np.array(self._indices, "<i8").tobytes()
        return hashlib.sha256(self._dataset.fingerprint.encode() + chosen).hexdigest()

    def __len__(self) -> int:
        return len(self._indices)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self._dataset.image(self._indices[index])

    def encoded_image(self, index: int) -> tuple[str, bytes]:
        return encoded_image(self._dataset, self._indices[index])

    def source(self, index: int) -> str:
        return self._dataset.source(self._indices[index])

    def annotation(self, index: int) -> Annotation:
        return self._dataset.annotation(self._indices[index])

    @property
    def multi_label(self) -> bool:
        return self._dataset.multi_label

    def class_indices(self, index: int) -> tuple[int, ...]:
        return self._dataset.class_indices(self._indices[index])

    def label_map(self, index: int) -> NDArray[np.uint8]:
        return self._dataset.label_map(self._indices[index])
