"""Detections that were made elsewhere, as `edgebench run --json` writes them, scored here."""

from pathlib import Path

import numpy as np
from pydantic import ConfigDict, Field

from edgewright_train.data.dataset import DetectionDataset
from edgewright_train.errors import InputError
from edgewright_train.schema import Record, parse_record_json
from edgewright_train.tasks.detect.detections import Detections

_MAX_BYTES = 1 << 30


class ImageDetections(Record):
    """One image: boxes in its own pixels, the lists in the same order."""

    file_name: str
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    boxes_xyxy: tuple[tuple[float, float, float, float], ...]
    scores: tuple[float, ...]
    class_indices: tuple[int, ...]
    labels: tuple[str, ...]


class DetectionsFile(Record):
    """What of the file is scored; who made it on what device stands there too."""

    model_config = ConfigDict(**(Record.model_config | {"extra": "ignore"}))

    images: tuple[ImageDetections, ...]


def read_detections(path: Path, dataset: DetectionDataset) -> list[Detections]:
    """One entry per image of `dataset`, in its order; images are told apart by file name.

    Raises `InputError` when the file is not of that form, or lacks an image of the data set.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; a detections file may have at most {_MAX_BYTES}")
    parsed = parse_record_json(DetectionsFile, path.read_bytes(), source=str(path))
    by_name = {image.file_name: image for image in parsed.images}
    names = [Path(dataset.source(index)).name for index in range(len(dataset))]
    if missing := [name for name in names if name not in by_name]:
        raise InputError(f"{path}: has no detections of {missing[0]} ({len(missing)} of {len(names)} images missing)")
    return [_detections(by_name[name], path, len(dataset.labels)) for name in names]


def _detections(image: ImageDetections, path: Path, num_classes: int) -> Detections:
    if not len(image.boxes_xyxy) == len(image.scores) == len(image.class_indices):
        raise InputError(f"{path}: {image.file_name}: boxes_xyxy, scores and class_indices differ in length")
    if image.class_indices and not 0 <= min(image.class_indices) <= max(image.class_indices) < num_classes:
        raise InputError(
            f"{path}: {image.file_name}: class_indices: the data set has the classes 0 to {num_classes - 1}"
        )
    return Detections(
        np.array(image.boxes_xyxy, np.float32).reshape(-1, 4),
        np.array(image.scores, np.float32),
        np.array(image.class_indices, np.int64),
    )
