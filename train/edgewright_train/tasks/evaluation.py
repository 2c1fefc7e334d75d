"""What an evaluation is, whatever the task."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Metric = Literal["AP50", "top1", "F1", "mIoU"]
Progress = Callable[[int, int], None]  # images done, images in all


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

    def as_json(self) -> dict[str, Any]:
        """All figures, under the names the field uses; `classes` holds those of each class."""
