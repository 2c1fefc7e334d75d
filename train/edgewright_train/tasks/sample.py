"""What a model makes of a few images of a data set, kept while all are evaluated, so that a person can look at it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from ..processes.group import place

NUM_SAMPLES = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """`result` of the image at `index`: detections, a classification or a label map."""

    index: int
    result: Any


class Samples(Generic[T]):
    """Of the images that this process evaluates, `NUM_SAMPLES` at equal distances, or all."""

    def __init__(self, num_images: int) -> None:
        here = place()
        own = np.arange(here.rank, num_images, here.count)
        positions = np.linspace(0, len(own) - 1, min(NUM_SAMPLES, len(own))).round().astype(int)
        self._wanted = set(own[positions].tolist())
        self._samples: list[Sample] = []

    def kept(self, results: Iterable[tuple[int, T]]) -> Iterator[tuple[int, T]]:
        """`results`, as they come."""
        for index, result in results:
            if index in self._wanted:
                self._samples.append(Sample(index, result))
            yield index, result

    @property
    def all(self) -> tuple[Sample, ...]:
        return tuple(self._samples)
