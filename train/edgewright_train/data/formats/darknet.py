"""Darknet (YOLO) data sets: a `.data` file, or a plain folder with `images/` and `labels/`.

A missing or empty label file means an image without objects.  LightNet keeps masks in the same layout.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..dataset import Annotation, DetectionDataset
from ..problems import Problems
from ..splits import ALL, Opener, Splits, split_of_name
from .darknet_config import MAX_CLASSES, listed_images, numbered_labels, read_config, read_names
from .darknet_labels import label_path, read_labels
from .file_dataset import FileDataset
from .image_size import image_size
from .mask_pairs import MaskPairs, checked_pairs
from .mask_values import MaskValues


def darknet_splits(data: Path) -> Splits[DetectionDataset]:
    """Of a `.data` file."""
    config = read_config(data)
    return {
        split: partial(_open, f"{data.stem}-{split}", config.labels, source, data.parent)
        for split, source in config.lists.items()
    }


def lightnet_mask_splits(data: Path, values: Callable[[Sequence[str]], MaskValues]) -> Splits[MaskPairs]:
    """Masks of a `.data` file, where LightNet looks for them: where the label file is, with the ending `.png`.

    `values`: from the class names to what the numbers in the masks stand for.
    """
    config = read_config(data)
    return {
        split: partial(_open_masks, f"{data.stem}-{split}", config.labels, values(config.labels), source, data.parent)
        for split, source in config.lists.items()
    }


def yolo_folder_splits(folder: Path) -> Splits[DetectionDataset]:
    """Of a folder with `images/` and `labels/`: one per subfolder of `images/` named for a split, else `ALL`."""
    labels = _labels_of_folder(folder)
    images = folder / "images"
    splits: dict[str, Opener[DetectionDataset]] = {}
    for subfolder in sorted(path for path in images.iterdir() if path.is_dir()):
        split = split_of_name(subfolder.name)
        if split in splits:
            raise InputError(f"{images}: more than one folder for the split {split}; give a .data file instead")
        if split is not None:
            splits[split] = partial(_open, f"{folder.name}-{split}", labels, subfolder, folder)
    return splits or {ALL: partial(_open, folder.name, labels, images, folder)}


def _open_masks(
    name: str, labels: Sequence[str], values: MaskValues, source: Path, base: Path, problems: Problems
) -> MaskPairs:
    images = listed_images(source, base, problems)
    if not images:
        raise InputError(f"{source}: empty; a data set needs at least one image")
    pairs = checked_pairs([(image, label_path(image, ".png")) for image in images], problems)
    problems.check()
    return MaskPairs(name, labels, pairs, values)


def _open(name: str, labels: Sequence[str], source: Path, base: Path, problems: Problems) -> FileDataset:
    images = listed_images(source, base, problems)
    problems.check()
    if not images:
        raise InputError(f"{source}: empty; a data set needs at least one image")
    if not any(label_path(image).is_file() for image in images):
        raise InputError(
            f"{source}: none of the {len(images)} images has a label file, such as {label_path(images[0])}"
        )
    readable, annotations = [], []
    for index, image in enumerate(images):
        try:
            annotations.append(_annotation(index, image, len(labels), problems))
            readable.append(image)
        except InputError as error:
            problems.add(str(error))
    problems.check()
    if not any(len(annotation.boxes_xyxy) for annotation in annotations):
        raise InputError(f"{source}: the label files of its {len(images)} images are all empty")
    return FileDataset(name, labels, readable, annotations)


def _annotation(index: int, image: Path, num_classes: int, problems: Problems) -> Annotation:
    width, height = image_size(image)
    labels = label_path(image)
    if labels.is_file():
        centred, classes = read_labels(labels, num_classes, problems)
    else:
        centred, classes = np.zeros((0, 4)), np.zeros(0, np.int64)
    corners = np.concatenate((centred[:, :2] - centred[:, 2:] / 2, centred[:, :2] + centred[:, 2:] / 2), 1)
    boxes = (np.clip(corners, 0, 1) * (width, height, width, height)).astype(np.float32)
    return Annotation(
        image_id=index,
        width=width,
        height=height,
        boxes_xyxy=boxes,
        class_indices=classes,
        is_crowd=np.zeros(len(boxes), np.bool_),
        areas_px=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
    )


def _labels_of_folder(folder: Path) -> tuple[str, ...]:
    """From its one names file; without one, the classes are numbered up to the largest index in any label file."""
    names = sorted({*folder.glob("*.names"), *folder.glob("classes.txt"), *folder.glob("names.txt")})
    if len(names) > 1:
        raise InputError(f"{folder}: more than one file of class names: {', '.join(path.name for path in names)}")
    if names:
        return read_names(names[0])
    problems = Problems()
    indices = [read_labels(path, MAX_CLASSES, problems)[1] for path in sorted((folder / "labels").rglob("*.txt"))]
    problems.check()
    return numbered_labels(1 + int(max((classes.max() for classes in indices if len(classes)), default=0)))
