"""Results that were made elsewhere, as `edgebench run --json` writes them, scored here."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Generic, TypeVar, cast

import numpy as np
from pydantic import ConfigDict, Field

from edgewright_train.data.dataset import ClassificationDataset, Dataset, DetectionDataset, SegmentationDataset
from edgewright_train.data.formats.label_image import read_label_image
from edgewright_train.errors import InputError
from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record, parse_record_json
from edgewright_train.tasks.classify.decode import Classification
from edgewright_train.tasks.classify.evaluate import score as score_classifications
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.detect.evaluate import score as score_detections
from edgewright_train.tasks.evaluation import Evaluation
from edgewright_train.tasks.segment.decode import LabelMap
from edgewright_train.tasks.segment.evaluate import score as score_label_maps

from .accuracy import check_labels

_MAX_BYTES = 1 << 30
_OPEN = ConfigDict(**(Record.model_config | {"extra": "ignore"}))  # who made it on what device stands there too


class _Head(Record):
    """`labels` are not repeated in a file of detections, which name their classes."""

    model_config = _OPEN

    task: Task = "detect"
    labels: tuple[str, ...] | None = None


class _FoundBoxes(Record):
    """One image: boxes in its own pixels, the lists in the same order."""

    model_config = _OPEN

    file_name: str
    boxes_xyxy: tuple[tuple[float, float, float, float], ...]
    scores: tuple[float, ...]
    class_indices: tuple[int, ...]


class _FoundClasses(Record):
    model_config = _OPEN

    file_name: str
    probabilities: tuple[Annotated[float, Field(ge=0, le=1)], ...]


class _FoundMap(Record):
    """`label_map`: a PNG with class indices, by its path from the file's folder."""

    model_config = _OPEN

    file_name: str
    label_map: str


ImageT = TypeVar("ImageT", _FoundBoxes, _FoundClasses, _FoundMap)


class _Images(Record, Generic[ImageT]):
    model_config = _OPEN

    images: tuple[ImageT, ...]


def task_of_results(path: Path) -> Task:
    """Raises `InputError` when the file is none of ours."""
    return _head(path).task


def score_results(path: Path, dataset: Dataset) -> Evaluation:
    """Of a data set for the task of the file; images are told apart by their `source`, or by file name alone.

    Raises `InputError` when the file is not of that form, has other classes, or lacks an image of the data set.
    """
    head = _head(path)
    if head.labels is not None:
        check_labels(head.labels, dataset)
    num_classes = len(dataset.labels)
    if head.task == "classify":
        classified = cast(ClassificationDataset, dataset)
        classes = (_classification(image, path, num_classes) for image in _each(_Images[_FoundClasses], path, dataset))
        return score_classifications(classes, classified, multi_label=classified.multi_label, seconds=0.0)
    if head.task == "segment":
        masks = cast(SegmentationDataset, dataset)
        maps = (_label_map(image, path, num_classes) for image in _each(_Images[_FoundMap], path, dataset))
        return score_label_maps(maps, masks, seconds=0.0)
    boxes = [_detections(image, path, num_classes) for image in _each(_Images[_FoundBoxes], path, dataset)]
    return score_detections(boxes, cast(DetectionDataset, dataset), seconds=0.0)


def _head(path: Path) -> _Head:
    return parse_record_json(_Head, _read(path), source=str(path))


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; a file of results may have at most {_MAX_BYTES}")
    return path.read_bytes()


def _each(kind: type[_Images[ImageT]], path: Path, dataset: Dataset) -> Iterator[ImageT]:
    """One entry per image of `dataset`, in its order."""
    by_name = {image.file_name: image for image in parse_record_json(kind, _read(path), source=str(path)).images}
    sources = [dataset.source(index) for index in range(len(dataset))]
    names = sources if sources and sources[0] in by_name else [Path(source).name for source in sources]
    if missing := [name for name in names if name not in by_name]:
        raise InputError(f"{path}: has no results of {missing[0]} ({len(missing)} of {len(names)} images missing)")
    if len(set(names)) < len(set(sources)):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise InputError(f"{path}: the data set has several images called {twice}, in different folders")
    return (by_name[name] for name in names)


def _detections(image: _FoundBoxes, path: Path, num_classes: int) -> Detections:
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


def _classification(image: _FoundClasses, path: Path, num_classes: int) -> Classification:
    found = len(image.probabilities)
    if found != num_classes:
        raise InputError(f"{path}: {image.file_name}: {found} probabilities, the data set has {num_classes} classes")
    return Classification(np.array(image.probabilities, np.float32))


def _label_map(image: _FoundMap, path: Path, num_classes: int) -> LabelMap:
    source = path.parent / image.label_map
    labels = read_label_image(source)
    if labels.max() >= num_classes:
        raise InputError(f"{source}: holds class {labels.max()}; the data set has the classes 0 to {num_classes - 1}")
    return LabelMap(labels)
