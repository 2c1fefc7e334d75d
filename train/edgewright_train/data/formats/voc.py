"""Pascal VOC data sets: folders of images, of XML annotations and of masks, and lists of the images of a split.

    Annotations/x.xml  JPEGImages/x.jpg  SegmentationClass/x.png  ImageSets/Main/train.txt (a line per image: x)

Several such folders may be read as one, such as 2007 and 2012.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import field_validator

from ...errors import InputError
from ...schema import Record
from ..dataset import BACKGROUND, Annotation
from ..problems import Problems
from ..splits import SPLITS, Opener, Splits
from .class_names import ClassNames
from .file_dataset import FileDataset
from .find_images import IMAGE_SUFFIXES
from .image_size import image_size
from .mask_pairs import MaskPairs, checked_pairs
from .mask_values import ERROR, MaskValues
from .text_lines import numbered_lines
from .voc_xml import VocAnnotation, VocObject, read_voc_xml

_SETS = "ImageSets"
_MASK_SETS = "Segmentation"


class VocConfig(Record):
    """Of a dataset.toml.  A split names its list, or several, each inside the folder `ImageSets` of its data.

    Attributes:
        classes: without it, the names in the annotations of all splits, sorted, as VOC sorts its own.
        difficult: "ignore" neither learns from such objects nor counts them, as VOC does; "use" takes them as others.
    """

    format: Literal["voc"]
    classes: ClassNames | None = None
    difficult: Literal["ignore", "use"] = "ignore"
    train: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    @field_validator("train", "val", "test", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(value)
        return (value,) if isinstance(value, str) else value


@dataclass(frozen=True)
class _Item:
    """One image of a list; `where`: `file:line`, for messages."""

    root: Path
    stem: str
    where: str

    @property
    def annotation(self) -> Path:
        return self.root / "Annotations" / f"{self.stem}.xml"

    @property
    def mask(self) -> Path:
        return self.root / "SegmentationClass" / f"{self.stem}.png"

    def image(self) -> Path:
        """Raises `InputError` when there is none."""
        for ending in IMAGE_SUFFIXES:
            path = self.root / "JPEGImages" / f"{self.stem}{ending}"
            if path.is_file():
                return path
        raise InputError(f"{self.where}: no such image: {str(self.root / 'JPEGImages' / self.stem) + '.jpg'!r}")


def voc_box_splits(config: VocConfig, path: Path) -> Splits[FileDataset]:
    """As the dataset.toml at `path` has it."""
    lists = _lists(config, path)
    return {split: partial(_open_boxes, _name(path, split), config, lists, split) for split in lists}


def voc_mask_splits(config: VocConfig, path: Path) -> Splits[MaskPairs]:
    """The same with masks; the list of the same name in `ImageSets/Segmentation` is taken where there is one."""
    lists = _lists(config, path)
    splits: dict[str, Opener[MaskPairs]] = {}
    for split, files in lists.items():
        with_masks = [_with_masks(file) for file in files]
        splits[split] = partial(_open_masks, _name(path, split), config, lists, with_masks)
    return splits


def _open_boxes(
    name: str, config: VocConfig, lists: Mapping[str, Sequence[Path]], split: str, problems: Problems
) -> FileDataset:
    items = list(_items(lists[split], problems))
    problems.check()
    labels = config.classes or _found_labels(lists)
    index_of = {label: index for index, label in enumerate(labels)}
    images: list[Path] = []
    annotations: list[Annotation] = []
    for item in items:
        try:
            image, read = item.image(), read_voc_xml(item.annotation, problems)
            _check_size(image, item.annotation, read)
        except InputError as error:
            problems.add(str(error))
            continue
        known = [each for each in read.objects if _is_known(each, index_of, item.annotation, problems)]
        annotations.append(_annotation(len(images), read, known, index_of, ignore=config.difficult == "ignore"))
        images.append(image)
    problems.check()
    _check_labels(labels, lists)
    return FileDataset(name, labels, images, annotations)


def _open_masks(
    name: str,
    config: VocConfig,
    lists: Mapping[str, Sequence[Path]],
    files: Sequence[Path],
    problems: Problems,
) -> MaskPairs:
    """The numbers in the masks are the positions in `classes`, from 1; 0 is the background, 255 nobody knows."""
    pairs = []
    for item in _items(files, problems):
        try:
            pairs.append((item.image(), item.mask))
        except InputError as error:
            problems.add(str(error))
    problems.check()
    pairs = checked_pairs(pairs, problems)
    problems.check()
    classes = config.classes or _found_labels(lists)
    _check_labels(classes, lists)
    labels = (BACKGROUND, *classes)
    return MaskPairs(name, labels, pairs, MaskValues(labels, None, ERROR))


def _lists(config: VocConfig, path: Path) -> dict[str, tuple[Path, ...]]:
    lists = {split: tuple(path.parent / each for each in getattr(config, split)) for split in SPLITS}
    lists = {split: files for split, files in lists.items() if files}
    if not lists:
        raise InputError(f'{path}: names no images; give at least one of train, val, test, as "{_SETS}/Main/train.txt"')
    return lists


def _name(path: Path, split: str) -> str:
    return f"{path.absolute().parent.name}-{split}"


def _root(file: Path) -> Path:
    """The folder that holds `ImageSets`."""
    root = next((folder.parent for folder in file.parents if folder.name == _SETS), None)
    if root is None:
        raise InputError(f"{file}: a list of VOC lies inside a folder {_SETS}, beside Annotations and JPEGImages")
    return root


def _with_masks(file: Path) -> Path:
    other = _root(file) / _SETS / _MASK_SETS / file.name
    return other if other.is_file() else file


def _items(files: Sequence[Path], problems: Problems) -> Iterator[_Item]:
    for file in files:
        root = _root(file)
        line_of: dict[str, int] = {}
        for number, line in numbered_lines(file):
            where = f"{file}:{number}"
            if not line:
                continue
            if len(line.split()) != 1 or "\0" in line or ".." in line.split("/"):
                problems.add(f"{where}: must be the name of an image without its ending, got {line[:80]!r}")
            elif line in line_of:
                problems.add(f"{where}: {line!r} was already on line {line_of[line]}")
            else:
                line_of[line] = number
                yield _Item(root, line, where)
        problems.check()
        if not line_of:
            raise InputError(f"{file}: empty; give the name of an image per line, without its ending")


def _found_labels(lists: Mapping[str, Sequence[Path]]) -> tuple[str, ...]:
    """Reads every annotation; what is wrong with them is said where their split is opened."""
    unheard = Problems(skip=True)
    labels: set[str] = set()
    for files in lists.values():
        for item in _items(files, unheard):
            try:
                labels |= {each.label for each in read_voc_xml(item.annotation, unheard).objects}
            except InputError:
                continue
    return tuple(sorted(labels))


def _check_labels(labels: Sequence[str], lists: Mapping[str, Sequence[Path]]) -> None:
    if not labels:
        first = next(iter(lists.values()))[0]
        raise InputError(f"{_root(first) / 'Annotations'}: names no classes; give classes in dataset.toml")


def _check_size(image: Path, annotation: Path, read: VocAnnotation) -> None:
    width, height = image_size(image)
    if (width, height) != (read.width, read.height):
        raise InputError(
            f"{annotation}: size: says {read.width}x{read.height}, its image is {width}x{height} ({image})"
        )


def _is_known(each: VocObject, index_of: Mapping[str, int], path: Path, problems: Problems) -> bool:
    if each.label not in index_of:
        problems.add(f"{path}:{each.line}: {each.label!r} is none of the classes in dataset.toml")
    return each.label in index_of


def _annotation(
    index: int, read: VocAnnotation, objects: Sequence[VocObject], index_of: Mapping[str, int], *, ignore: bool
) -> Annotation:
    boxes = np.array([each.box_xyxy for each in objects], np.float32).reshape(-1, 4)
    is_difficult = np.array([each.is_difficult for each in objects], np.bool_)
    return Annotation(
        image_id=index,
        width=read.width,
        height=read.height,
        boxes_xyxy=boxes,
        class_indices=np.array([index_of[each.label] for each in objects], np.int64),
        is_crowd=is_difficult & ignore,
        areas_px=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
        is_difficult=is_difficult,
    )
