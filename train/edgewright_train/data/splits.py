"""The splits of a data set, by name, each opened only when asked for."""

from collections.abc import Callable, Mapping

from .dataset import DetectionDataset

SPLITS = ("train", "val", "test")
ALL = "all"  # the only split of a data set that makes no difference between training and held-out images

Splits = Mapping[str, Callable[[], DetectionDataset]]


def split_of_name(name: str) -> str | None:
    """`"train2017"` -> `"train"`, `"valid"` -> `"val"`; None for a name that is not of a split."""
    return next((split for split in SPLITS if name.lower().startswith(split)), None)
