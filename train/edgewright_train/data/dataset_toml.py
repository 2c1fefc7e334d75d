"""`dataset.toml`: says what a data set is, for those whose files do not say it by themselves.

    format = "coco"          # or "darknet" (data = "x.data"), or "shapes" (seed, width, height, train, val, test)
    [val]
    images = "val2017"
    annotations = "annotations/instances_val2017.json"

Paths are relative to the file.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..errors import InputError
from ..schema import Record, load_toml, parse_record
from .coco import open_coco
from .darknet import darknet_splits
from .shapes import DEFAULT_COUNTS, DEFAULT_SEED, DEFAULT_SIZE_WH, SMALLEST_SIDE, ShapesDataset
from .splits import SPLITS, Splits


class CocoFiles(Record):
    images: str
    annotations: str


class CocoConfig(Record):
    format: Literal["coco"]
    train: CocoFiles | None = None
    val: CocoFiles | None = None
    test: CocoFiles | None = None


class DarknetConfig(Record):
    format: Literal["darknet"]
    data: str


class ShapesConfig(Record):
    """`train`, `val` and `test` are numbers of images."""

    format: Literal["shapes"] = "shapes"
    seed: int = Field(default=DEFAULT_SEED, ge=0, lt=1 << 63)
    width: int = Field(default=DEFAULT_SIZE_WH[0], ge=SMALLEST_SIDE, le=8192)
    height: int = Field(default=DEFAULT_SIZE_WH[1], ge=SMALLEST_SIDE, le=8192)
    train: int = Field(default=DEFAULT_COUNTS["train"], ge=1)
    val: int = Field(default=DEFAULT_COUNTS["val"], ge=1)
    test: int = Field(default=DEFAULT_COUNTS["test"], ge=1)


def toml_splits(path: Path) -> Splits:
    """Raises `InputError` for anything unknown in the file."""
    values = load_toml(path)
    kind = values.get("format")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise InputError(f"{path}: format: must be one of {', '.join(FORMATS)}, got {kind!r}")
    return FORMATS[kind](values, path)


def shapes_splits(config: ShapesConfig) -> Splits:
    """Of the generated data set."""
    size_wh = (config.width, config.height)
    return {
        split: partial(ShapesDataset, split, seed=config.seed, count=getattr(config, split), size_wh=size_wh)
        for split in SPLITS
    }


def _coco(values: Mapping[str, Any], path: Path) -> Splits:
    config = parse_record(CocoConfig, values, source=str(path))
    files = {"train": config.train, "val": config.val, "test": config.test}
    splits = {
        split: partial(open_coco, path.parent / each.annotations, path.parent / each.images)
        for split, each in files.items()
        if each is not None
    }
    if not splits:
        raise InputError(f"{path}: names no images; give at least one of the tables [train], [val], [test]")
    return splits


def _darknet(values: Mapping[str, Any], path: Path) -> Splits:
    return darknet_splits(path.parent / parse_record(DarknetConfig, values, source=str(path)).data)


def _shapes(values: Mapping[str, Any], path: Path) -> Splits:
    return shapes_splits(parse_record(ShapesConfig, values, source=str(path)))


FORMATS: dict[str, Callable[[Mapping[str, Any], Path], Splits]] = {
    "coco": _coco,
    "darknet": _darknet,
    "shapes": _shapes,
}
