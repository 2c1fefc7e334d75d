"""From what a user gives as `DATA` to a data set: by the name of a file, or by what a folder holds."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, overload

from ..errors import InputError
from ..models.architecture import Task
from .dataset import ClassificationDataset, Dataset, DetectionDataset, SegmentationDataset
from .dataset_toml import ShapesConfig, shapes_offers, toml_offers
from .formats.coco import open_coco
from .formats.coco_masks import open_coco_masks
from .formats.darknet import darknet_splits, yolo_folder_splits
from .formats.image_folders import found_folder_splits
from .problems import Problems
from .splits import ALL, Offers, Opener, Splits, offers_of_boxes, offers_of_boxes_and_masks, split_of_name

GENERATED = "generated"

_KINDS = (
    "a dataset.toml, a .data file, COCO annotations (.json), or a folder that holds one of them, images/ and labels/, "
    "or a folder of images per class"
)

_TRUTH: dict[Task, str] = {"detect": "boxes", "classify": "classes of images", "segment": "masks"}


class UnknownFolderError(InputError):
    """A folder that looks like no data set; it may still hold images."""


@overload
def open_split(
    data: str | None, split: str, task: Literal["detect"] = "detect", problems: Problems | None = None
) -> DetectionDataset: ...


@overload
def open_split(
    data: str | None, split: str, task: Literal["classify"], problems: Problems | None = None
) -> ClassificationDataset: ...


@overload
def open_split(
    data: str | None, split: str, task: Literal["segment"], problems: Problems | None = None
) -> SegmentationDataset: ...


@overload
def open_split(data: str | None, split: str, task: Task, problems: Problems | None = None) -> Dataset: ...


def open_split(data: str | None, split: str, task: Task = "detect", problems: Problems | None = None) -> Dataset:
    """Open one split of `data` for `task`; nothing, or `GENERATED`, means the generated data set.

    A data set without splits (see `list_splits`) is the same whatever `split` says.  Raises `InputError`, also for the
    first of what `problems` hears, unless those are to be skipped.
    """
    splits = _splits(data, task)
    opener = splits.get(split, splits.get(ALL))
    if opener is None:
        raise InputError(f"SPLIT={split}: DATA={data or ''} has the splits {', '.join(splits)}")
    heard = problems or Problems()
    dataset = opener(heard)
    if not len(dataset):
        raise InputError(f"DATA={data}: SPLIT={split}: no image of it is right: {heard.summary()}")
    return dataset


def list_tasks(data: str | None) -> tuple[Task, ...]:
    """What `data` may be annotated for, its own truth first."""
    return tuple(_offers(data))


def open_images(data: str | None, split: str, task: Task) -> Dataset:
    """As `open_split`, for who only looks at images: data that are not annotated for `task` do as well."""
    offers = list_tasks(data)
    first_error = None
    for each in (task, *offers) if task in offers else offers:
        try:
            return open_split(data, split, each)
        except InputError as error:  # a format that may hold masks, in files that hold none
            first_error = first_error or error
    assert first_error is not None
    raise first_error


def list_splits(data: str | None, task: Task = "detect") -> tuple[str, ...]:
    """Of "train", "val", "test" those that `data` has; `(ALL,)` when it makes no such difference."""
    return tuple(_splits(data, task))


def _splits(data: str | None, task: Task) -> Splits[Dataset]:
    offers = _offers(data)
    if task not in offers:
        has = " and ".join(_TRUTH[each] for each in offers)
        raise InputError(f"DATA={data}: has {has}; the task {task} needs {_TRUTH[task]} (docs/data.md)")
    return offers[task]


def _offers(data: str | None) -> Offers:
    if not data or data == GENERATED:
        return shapes_offers(ShapesConfig())
    path = Path(data)
    if not path.exists():
        raise InputError(f"DATA={data}: no such file or folder; give {_KINDS}")
    if path.is_dir():
        return _folder_offers(path)
    if path.suffix not in _FILES:
        raise InputError(f"DATA={data}: unknown kind of file; give {_KINDS}")
    return _FILES[path.suffix](path)


def _folder_offers(folder: Path) -> Offers:
    """A dataset.toml decides; without one, exactly one way to read the folder may fit."""
    if (folder / "dataset.toml").is_file():
        return toml_offers(folder / "dataset.toml")
    found = {str(path): partial(_darknet_offers, path) for path in sorted(folder.glob("*.data"))}
    annotations = sorted([*folder.glob("instances*.json"), *folder.glob("annotations/instances*.json")])
    if annotations:
        found[str(annotations[0])] = partial(_coco_offers, annotations)
    if (folder / "images").is_dir() and (folder / "labels").is_dir():
        found[f"{folder / 'images'} and labels"] = partial(_yolo_folder_offers, folder)
    if len(found) > 1:
        raise InputError(f"DATA={folder}: could be read as {' or as '.join(found)}; give one file, or a dataset.toml")
    if found:
        return next(iter(found.values()))()
    folders = found_folder_splits(folder)
    if folders is None:
        wanted = (
            "dataset.toml, *.data, instances*.json, annotations/instances*.json, images/ and labels/, "
            "<split>/<class>/<image>, <class>/<image>; masks need a dataset.toml"
        )
        raise UnknownFolderError(f"DATA={folder}: not recognised as a data set; looked for {wanted}")
    return {"classify": folders}


def _coco_offers(files: Sequence[Path]) -> Offers:
    """Of the json files of one folder: by the split in `instances_<split>.json`, or `ALL` for a single file."""
    boxes: dict[str, Opener[DetectionDataset]] = {}
    masks: dict[str, Opener[SegmentationDataset]] = {}
    for path in files:
        split = split_of_name(path.stem.removeprefix("instances_")) or ALL
        if split in boxes or (split == ALL and len(files) > 1):
            names = ", ".join(str(each) for each in files)
            raise InputError(f"{path}: cannot tell which split it is among {names}; write a dataset.toml")
        boxes[split], masks[split] = partial(open_coco, path, None), partial(open_coco_masks, path, None)
    return offers_of_boxes_and_masks(boxes, masks)


def _coco_file_offers(path: Path) -> Offers:
    return offers_of_boxes_and_masks({ALL: partial(open_coco, path, None)}, {ALL: partial(open_coco_masks, path, None)})


def _yolo_folder_offers(folder: Path) -> Offers:
    return offers_of_boxes(yolo_folder_splits(folder))


def _darknet_offers(path: Path) -> Offers:
    return offers_of_boxes(darknet_splits(path))


_FILES: dict[str, Callable[[Path], Offers]] = {
    ".toml": toml_offers,
    ".data": _darknet_offers,
    ".json": _coco_file_offers,
}
