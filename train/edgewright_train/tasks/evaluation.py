"""What an evaluation is, whatever the task."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from ..errors import InputError
from ..processes.group import place
from .precision_recall import PrecisionRecall
from .sample import Sample

Metric = Literal["AP50", "top1", "F1", "mIoU"]
Progress = Callable[[int, int], None]  # images done, images in all
InTotal = Callable[[NDArray[np.int64]], NDArray[np.int64]]  # counts of this process -> counts of all

T = TypeVar("T")


@dataclass(frozen=True)
class Headline:
    """The one figure that stands for a model's quality, 0..1.  `value` is None when the data hold nothing to find."""

    metric: Metric
    value: float | None


class Evaluation(Protocol):
    """Of a model on labelled images; `seconds` is what reading and running took."""

    @property
    def num_images(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    @property
    def headline(self) -> Headline: ...

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]:
        """Of each class, where a task has them."""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What became of a few images; none where the results were made elsewhere."""

    def as_json(self) -> dict[str, Any]:
        """All figures, under the names the field uses; `classes` holds those of each class."""


class Metrics(Protocol):
    """The figures of one task; None stands for a figure of nothing."""

    @property
    def headline(self) -> Headline: ...

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]: ...

    def figures(self) -> dict[str, float | None]:
        """Over all classes, under the names the field uses."""

    def class_figures(self) -> dict[str, dict[str, float | None]]:
        """Per class, by its name."""


@dataclass(frozen=True)
class Measured:
    """An `Evaluation` by any task's metrics."""

    metrics: Metrics
    num_images: int
    seconds: float
    samples: tuple[Sample, ...] = ()

    @property
    def headline(self) -> Headline:
        return self.metrics.headline

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]:
        return self.metrics.curves

    def as_json(self) -> dict[str, Any]:
        return {
            **self.metrics.figures(),
            "images": self.num_images,
            "seconds": round(self.seconds, 3),
            "classes": self.metrics.class_figures(),
        }


def each_result(
    predict: Callable[[NDArray[np.uint8]], T], dataset: Dataset, progress: Progress | None = None
) -> Iterator[tuple[int, T]]:
    """Index and what `predict` makes of the image, (H, W, 3) BGR: of every image, in order, or of the share of this
    process.  Raises `InputError` when there is none."""
    if len(dataset) == 0:
        raise InputError(f"{dataset.name}: no images to evaluate on")
    here = place()
    for index in range(here.rank, len(dataset), here.count):
        yield index, predict(dataset.image(index))
        if progress is not None:
            progress(index + 1, len(dataset))
