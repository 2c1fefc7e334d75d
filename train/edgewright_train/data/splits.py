"""The splits of a data set, by name, each opened only when asked for: with the `Problems` that are to be told."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from ..models.architecture import Task
from .dataset import Dataset, DetectionDataset, SegmentationDataset
from .problems import Problems
from .shapes.dataset import ShapesDataset
from .views import ClassesOfBoxes, ClassesOfShapes, MasksOfShapes

SPLITS = ("train", "val", "test")
ALL = "all"  # the only split of a data set that makes no difference between training and held-out images

DatasetT = TypeVar("DatasetT", bound=Dataset)
OtherT = TypeVar("OtherT", bound=Dataset)

Opener = Callable[[Problems], DatasetT]
Splits = Mapping[str, Opener[DatasetT]]
Offers = Mapping[Task, Splits[Dataset]]
"""By the tasks that the data set is annotated for."""


def split_of_name(name: str) -> str | None:
    """`"train2017"` -> `"train"`, `"valid"` -> `"val"`; None for a name that is not of a split."""
    return next((split for split in SPLITS if name.lower().startswith(split)), None)


def offers_of_boxes(splits: Splits[DetectionDataset]) -> Offers:
    """An image with boxes also shows classes."""
    return {"detect": splits, "classify": _viewed(splits, ClassesOfBoxes)}


def offers_of_boxes_and_masks(boxes: Splits[DetectionDataset], masks: Splits[SegmentationDataset]) -> Offers:
    """Of a format that holds both; whether the files do is seen when a split is opened."""
    return {**offers_of_boxes(boxes), "segment": masks}


def offers_of_shapes(splits: Splits[ShapesDataset]) -> Offers:
    """The generator knows everything."""
    return {
        "detect": splits,
        "classify": _viewed(splits, ClassesOfShapes),
        "segment": _viewed(splits, MasksOfShapes),
    }


def _viewed(splits: Splits[DatasetT], view: Callable[[DatasetT], OtherT]) -> Splits[OtherT]:
    def opener(open_: Opener[DatasetT]) -> Opener[OtherT]:
        return lambda problems: view(open_(problems))

    return {name: opener(open_) for name, open_ in splits.items()}
