"""What a sample is, task by task: an image as the network sees it, and what is to be learnt from it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from ..models.architecture import Task
from .augmentation.augment import augment
from .augmentation.geometry import SizeWh
from .augmentation.settings import Augmentation
from .dataset import ClassificationDataset, DetectionDataset, SegmentationDataset
from .picture import Picture

Sample = tuple[NDArray[np.uint8], Any]  # (H, W, 3) BGR, truth


@dataclass(frozen=True)
class Sampler:
    """How one task learns from images.

    Attributes:
        sample: (data set, index, augmentation, size, generator) -> sample.
        collate: truths of a batch, in order -> its targets.
        truth: (data set, index) -> bytes that change with what is learnt from an image; cheap, the image stays unread.
    """

    sample: Callable[[Any, int, Augmentation, SizeWh, Generator], Sample]
    collate: Callable[[Sequence[Any]], Tensor]
    truth: Callable[[Any, int], bytes]


def _box_sample(
    dataset: DetectionDataset, index: int, augmentation: Augmentation, size_wh: SizeWh, rng: Generator
) -> Sample:
    def read(number: int) -> Picture:
        annotation = dataset.annotation(number)
        learnt = ~annotation.is_crowd
        boxes, classes = annotation.boxes_xyxy[learnt], annotation.class_indices[learnt]
        return Picture(image=dataset.image(number), boxes_xyxy=boxes, class_indices=classes)

    seen = augment(read, index, len(dataset), augmentation, size_wh, rng)
    low, sides = seen.boxes_xyxy[:, :2], seen.boxes_xyxy[:, 2:] - seen.boxes_xyxy[:, :2]
    boxes = np.concatenate((low + sides / 2, sides), 1) / np.tile(size_wh, 2)
    return seen.image, (boxes.astype(np.float32), seen.class_indices)


def _box_targets(truths: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> Tensor:
    """(T, 6) float32 rows of image, class, then cx, cy, w, h in 0..1."""
    rows = [
        np.concatenate((np.full((len(boxes), 1), number), classes[:, None], boxes), 1)
        for number, (boxes, classes) in enumerate(truths)
    ]
    return torch.from_numpy(np.concatenate(rows).astype(np.float32))


def _box_truth(dataset: DetectionDataset, index: int) -> bytes:
    annotation = dataset.annotation(index)
    counted = np.array((annotation.image_id, len(annotation.boxes_xyxy))).tobytes()
    return counted + annotation.boxes_xyxy.tobytes() + annotation.class_indices.tobytes()


def _class_sample(
    dataset: ClassificationDataset, index: int, augmentation: Augmentation, size_wh: SizeWh, rng: Generator
) -> Sample:
    indices = dataset.class_indices(index)
    truth: Any = indices[0]
    if dataset.multi_label:
        truth = np.zeros(len(dataset.labels), np.float32)
        truth[list(indices)] = 1

    def read(number: int) -> Picture:
        return Picture(image=dataset.image(number))

    return augment(read, index, len(dataset), augmentation, size_wh, rng).image, truth


def _class_targets(truths: Sequence[Any]) -> Tensor:
    """(N,) int64 classes; (N, K) float32, 1 for a class that is shown, where an image may show several."""
    return torch.from_numpy(np.stack(truths))


def _class_truth(dataset: ClassificationDataset, index: int) -> bytes:
    return os.fsencode(f"{dataset.source(index)} {dataset.class_indices(index)}\n")


def _mask_sample(
    dataset: SegmentationDataset, index: int, augmentation: Augmentation, size_wh: SizeWh, rng: Generator
) -> Sample:
    def read(number: int) -> Picture:
        return Picture(image=dataset.image(number), mask=dataset.label_map(number))

    seen = augment(read, index, len(dataset), augmentation, size_wh, rng)
    return seen.image, seen.mask


def _mask_targets(truths: Sequence[NDArray[np.uint8]]) -> Tensor:
    """(N, H, W) uint8 class indices, or `IGNORED`."""
    return torch.from_numpy(np.stack(truths))


def _mask_truth(dataset: SegmentationDataset, index: int) -> bytes:
    """By name: to read every mask would read half of the data set."""
    return os.fsencode(f"{dataset.source(index)}\n")


SAMPLERS: dict[Task, Sampler] = {
    "detect": Sampler(_box_sample, _box_targets, _box_truth),
    "classify": Sampler(_class_sample, _class_targets, _class_truth),
    "segment": Sampler(_mask_sample, _mask_targets, _mask_truth),
}
