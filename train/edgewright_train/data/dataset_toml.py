"""`dataset.toml`: says what a data set is, for those whose files do not say it by themselves.

    format = "coco"          # or another of `FORMATS`; docs/data.md has an example of each
    [val]
    images = "val2017"
    annotations = "annotations/instances_val2017.json"

Paths are relative to the file.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..errors import InputError
from ..schema import Record, load_toml, parse_record
from .formats.coco import open_coco
from .formats.coco_masks import open_coco_masks
from .formats.darknet import darknet_splits, lightnet_mask_splits
from .formats.image_csv import CsvConfig, csv_splits
from .formats.image_folders import FoldersConfig, folders_splits
from .formats.mask_config import MasksConfig, with_known_ids
from .formats.mask_pairs import mask_splits
from .formats.mask_values import MaskValues
from .formats.shards import ShardsConfig, shard_offers
from .formats.voc import VocConfig, voc_box_splits, voc_mask_splits
from .shapes.dataset import DEFAULT_COUNTS, DEFAULT_SEED, DEFAULT_SIZE_WH, SMALLEST_SIDE, ShapesDataset
from .splits import SPLITS, Offers, Opener, offers_of_boxes, offers_of_boxes_and_masks, offers_of_shapes


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


class LightnetConfig(Record):
    """`unlisted`: what numbers of masks are that stand for no class, see `MaskValues`."""

    format: Literal["lightnet"]
    data: str
    unlisted: Literal["ignore", "error"] = "error"


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

    def opener(split: str) -> Opener[ShapesDataset]:
        count = getattr(config, split)
        return lambda _problems: ShapesDataset(split, seed=config.seed, count=count, size_wh=size_wh)

    return offers_of_shapes({split: opener(split) for split in SPLITS})


def _coco(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(CocoConfig, values, source=str(path))
    files = {"train": config.train, "val": config.val, "test": config.test}
    places = {
        split: (path.parent / each.annotations, path.parent / each.images)
        for split, each in files.items()
        if each is not None
    }
    if not places:
        raise InputError(f"{path}: names no images; give at least one of the tables [train], [val], [test]")
    return offers_of_boxes_and_masks(
        {split: partial(open_coco, *place) for split, place in places.items()},
        {split: partial(open_coco_masks, *place) for split, place in places.items()},
    )


def _voc(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(VocConfig, values, source=str(path))
    return offers_of_boxes_and_masks(voc_box_splits(config, path), voc_mask_splits(config, path))


def _darknet(values: Mapping[str, Any], path: Path) -> Offers:
    return offers_of_boxes(darknet_splits(path.parent / parse_record(DarknetConfig, values, source=str(path)).data))


def _lightnet(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(LightnetConfig, values, source=str(path))
    data = path.parent / config.data

    def meanings(labels: Sequence[str]) -> MaskValues:
        return MaskValues(labels, None, config.unlisted)

    return offers_of_boxes_and_masks(darknet_splits(data), lightnet_mask_splits(data, meanings))


def _webdataset(values: Mapping[str, Any], path: Path) -> Offers:
    return shard_offers(parse_record(ShardsConfig, values, source=str(path)), path)


def _folders(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(FoldersConfig, values, source=str(path))
    return {"classify": folders_splits(config, path.parent)}


def _csv(values: Mapping[str, Any], path: Path) -> Offers:
    return {"classify": csv_splits(parse_record(CsvConfig, values, source=str(path)), path)}


def _masks(values: Mapping[str, Any], path: Path) -> Offers:
    config = parse_record(MasksConfig, with_known_ids(values, path), source=str(path))
    return {"segment": mask_splits(config, path)}


def _shapes(values: Mapping[str, Any], path: Path) -> Offers:
    return shapes_offers(parse_record(ShapesConfig, values, source=str(path)))


FORMATS: dict[str, Callable[[Mapping[str, Any], Path], Offers]] = {
    "coco": _coco,
    "darknet": _darknet,
    "lightnet": _lightnet,
    "voc": _voc,
    "folders": _folders,
    "csv": _csv,
    "masks": _masks,
    "webdataset": _webdataset,
    "shapes": _shapes,
}
