"""The generated data set as files in darknet layout, with masks and image classes beside it for the other tasks.

dataset.toml  shapes.data  shapes.names  train.txt  val.txt
images/train/000000.jpg           labels/train/000000.txt
semantic_masks/train/000000.png   0 background, else 1 + class index
instance_masks/train/000000.png   0 background, else 1 + line of the label file
image_classes/train.txt           image and the class of its largest object
preview.png
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..contact_sheet import NUM_CELLS, contact_sheet
from ..dataset import Annotation
from .dataset import ShapesDataset

_NAME = "shapes"
_LIST_KEYS = {"train": "train", "val": "valid"}
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


def write_darknet(folder: Path, datasets: Mapping[str, ShapesDataset], *, advance: Callable[[], None]) -> None:
    """Into an empty `folder`; `datasets` by split, "train" and "val".  Calls `advance` after each image."""
    labels = datasets["train"].labels
    lists = "".join(f"{_LIST_KEYS[split]} = {split}.txt\n" for split in datasets)
    _write_text(folder / "dataset.toml", f'format = "darknet"\ndata = "{_NAME}.data"\n')
    _write_text(folder / f"{_NAME}.data", f"classes = {len(labels)}\n{lists}names = {_NAME}.names\n")
    _write_text(folder / f"{_NAME}.names", "".join(f"{label}\n" for label in labels))
    _write_image(folder / "preview.png", _preview(datasets["train"]))
    for split, dataset in datasets.items():
        _write_split(folder, split, dataset, advance)


def _write_split(folder: Path, split: str, dataset: ShapesDataset, advance: Callable[[], None]) -> None:
    paths, classes = [], []
    for index in range(len(dataset)):
        name = f"{split}/{index:06d}"
        _write_image(folder / f"images/{name}.jpg", dataset.image(index), _JPEG)
        _write_text(folder / f"labels/{name}.txt", _label_lines(dataset.annotation(index)))
        _write_image(folder / f"semantic_masks/{name}.png", dataset.semantics(index))
        _write_image(folder / f"instance_masks/{name}.png", dataset.instances(index))
        paths.append(f"images/{name}.jpg\n")
        classes.append(f"images/{name}.jpg {dataset.labels[dataset.image_class(index)]}\n")
        advance()
    _write_text(folder / f"{split}.txt", "".join(paths))
    _write_text(folder / f"image_classes/{split}.txt", "".join(classes))


def _preview(dataset: ShapesDataset) -> NDArray[np.uint8]:
    return contact_sheet(dataset, "detect", range(min(len(dataset), NUM_CELLS)))


def _label_lines(annotation: Annotation) -> str:
    boxes = annotation.boxes_xyxy.astype(np.float64) / np.tile((annotation.width, annotation.height), 2)
    placed = np.concatenate(((boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]), 1)
    return "".join(
        f"{class_index} " + " ".join(f"{value:.8f}" for value in row) + "\n"
        for class_index, row in zip(annotation.class_indices, placed, strict=True)
    )


def _write_image(path: Path, image: NDArray[np.uint8], options: tuple[int, ...] = ()) -> None:
    """Through memory: OpenCV's own writing to a full disk only returns False."""
    _, encoded = cv2.imencode(path.suffix, image, options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
