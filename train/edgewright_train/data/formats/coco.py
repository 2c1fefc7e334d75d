"""Boxes of COCO annotations: one json per split beside a folder of images.

Boxes of no width or height are kept, as published COCO has some; crowd regions are marked as such.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..dataset import Annotation
from ..problems import Problems
from .coco_json import Json, read_coco
from .file_dataset import FileDataset


def open_coco(annotations: Path, images: Path | None, problems: Problems) -> FileDataset:
    """See `read_coco`."""
    file = read_coco(annotations, images, problems)
    return FileDataset(
        name=file.name,
        labels=file.labels,
        image_paths=file.image_paths,
        annotations=[
            _annotation(record, file.objects[image_id], file.class_of_category)
            for image_id, record in file.images.items()
        ],
    )


def _annotation(record: Json, objects: Sequence[Json], class_of_category: Mapping[int, int]) -> Annotation:
    table = np.array([each["bbox"] for each in objects], np.float64).reshape(-1, 4)
    return Annotation(
        image_id=record["id"],
        width=record["width"],
        height=record["height"],
        boxes_xyxy=np.concatenate((table[:, :2], table[:, :2] + table[:, 2:]), 1).astype(np.float32),
        class_indices=np.array([class_of_category[each["category_id"]] for each in objects], np.int64),
        is_crowd=np.array([bool(each.get("iscrowd", 0)) for each in objects], np.bool_),
        areas_px=np.array([each.get("area", each["bbox"][2] * each["bbox"][3]) for each in objects], np.float32),
    )
