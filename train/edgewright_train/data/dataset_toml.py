"""`dataset.toml`: says what a data set is, for those whose files do not say it by themselves.

    format = "coco"          # or another of `FORMATS`; docs/data.md has an example of each
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
from .image_csv import CsvConfig, csv_splits
from .image_folders import FoldersConfig, folders_splits
from .mask_config import MasksConfig
from .mask_pairs import mask_splits
from .shapes import DEFAULT_COUNTS, DEFAULT_SEED, DEFAULT_SIZE_WH, SMALLEST_SIDE, ShapesDataset
from .splits import SPLITS, Offers, Splits, offers_of_boxes, offers_of_shapes


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


def toml_offers(path: Path) -> Offers:
    """Raises `InputError` for anything unknown in the file."""
    values = load_toml(path)
    kind = values.get("format")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise InputError(f"{path}: format: must be one of {', '.join(FORMATS)}, got {kind!r}")
    return FORMATS[kind](values, path)


def shapes_offers(config: ShapesConfig) -> Offers:
    """Of the generated data set."""
    size_wh = (config.width, config.height)
    splits: Splits[ShapesDataset] = {
        split: partial(ShapesDataset, split, seed=config.seed, count=getattr(config, split), size_wh=size_wh)
        for split in SPLITS
    }
    return offers_of_shapes(splits)


def _coco(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(CocoConfig, values, source=str(path))
    files = {"train": config.train, "val": config.val, "test": config.test}
    splits = {
        split: partial(open_coco, path.parent / each.annotations, path.parent / each.images)
        for split, each in files.items()
        if each is not None
    }
    if not splits:
        raise InputError(f"{path}: names no images; give at least one of the tables [train], [val], [test]")
    return offers_of_boxes(splits)


def _darknet(values: Mapping[str, Any], path: Path) -> Offers:
    return offers_of_boxes(darknet_splits(path.parent / parse_record(DarknetConfig, values, source=str(path)).data))


def _folders(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(FoldersConfig, values, source=str(path))
    return {"classify": folders_splits(config, path.parent)}


def _csv(values: Mapping[str, Any], path: Path) -> Offers:
    return {"classify": csv_splits(parse_record(CsvConfig, values, source=str(path)), path)}


def _masks(values: Mapping[str, Any], path: Path) -> Offers:
    return {"segment": mask_splits(parse_record(MasksConfig, values, source=str(path)), path)}


def _shapes(values: Mapping[str, Any], path: Path) -> Offers:
    return shapes_offers(parse_record(ShapesConfig, values, source=str(path)))


FORMATS: dict[str, Callable[[Mapping[str, Any], Path], Offers]] = {
    "coco": _coco,
    "darknet": _darknet,
    "folders": _folders,
    "csv": _csv,
    "masks": _masks,
    "shapes": _shapes,
}
