"""Boxes in darknet (YOLO) layout, with all digits, so that they read back as they were."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..data.dataset import Annotation
from .writing import Datasets, Lost, Names, copy_image, toml_text, write_text

_LIST_KEYS = {"train": "train", "val": "valid", "test": "test"}


def write_darknet(folder: Path, datasets: Datasets, advance: Callable[[], None]) -> Lost:
    """See `Writer`.  Crowds, ids and areas are lost, and what of a box lies outside its image."""
    labels = next(iter(datasets.values())).labels
    lists = "".join(f"{_LIST_KEYS[split]} = {split}.txt\n" for split in datasets)
    write_text(folder / "dataset.toml", toml_text({"format": "darknet", "data": "data.data"}))
    write_text(folder / "data.data", f"classes = {len(labels)}\n{lists}names = data.names\n")
    write_text(folder / "data.names", "".join(f"{label}\n" for label in labels))
    lost = Lost()
    for split, dataset in datasets.items():
        names, lines = Names(), []
        for index in range(len(dataset)):
            name = names.of(dataset.source(index))
            path = copy_image(dataset, index, folder / "images" / split / name)
            lines.append(f"{path.relative_to(folder).as_posix()}\n")
            write_text(folder / "labels" / split / f"{name}.txt", _lines(dataset.annotation(index), lost))
            advance()
        write_text(folder / f"{split}.txt", "".join(lines))
    return lost


def _lines(annotation: Annotation, lost: Lost) -> str:
    size = np.array((annotation.width, annotation.height) * 2, np.float64)
    lines = []
    for box, class_index, crowd in zip(
        annotation.boxes_xyxy.astype(np.float64), annotation.class_indices, annotation.is_crowd, strict=True
    ):
        if crowd:
            lost["crowd or difficult objects, left out"] += 1
            continue
        inside = np.clip(box, 0, size)
        lost["boxes cut at the edge of their image"] += int((inside != box).any())
        low, high = inside[:2] / size[:2], inside[2:] / size[:2]
        numbers = " ".join(repr(float(value)) for value in (*((low + high) / 2), *(high - low)))
        lines.append(f"{class_index} {numbers}\n")
    return "".join(lines)
