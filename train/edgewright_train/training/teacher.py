"""A trained network that another one learns from, whatever the two are made of: only task and classes are the same."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoint import Checkpoint, Header, load_checkpoint
from ..errors import InputError
from ..inference import decode_of, normalised, preprocess_of, torch_run
from ..tasks.classify.decode import ClassifyDecode
from ..tasks.decode import Decode
from ..tasks.detect.detector import detector
from ..tasks.detect.evaluate import Predict
from ..tasks.distillation import Distillation, sigmoid_distillation, softmax_distillation, with_taught_boxes
from ..tasks.objective import Outputs, single_output
from ..tasks.segment.decode import SegmentDecode


class Teacher(Protocol):
    """Adds to what is learnt from a batch; `images` are (N, 3, H, W) uint8 BGR as the learner sees them."""

    def targets(self, images: Tensor, targets: Tensor) -> Tensor:
        """Those of the batch, and what the teacher knows beyond them."""

    def loss(self, images: Tensor, outputs: Outputs) -> Tensor | None:
        """How far the learner's outputs are from the teacher's, where answers can be compared."""


def teacher_of(path: Path, learner: Header, settings: Distillation) -> Teacher:
    """Raises `InputError` when it is not of the learner's task and classes."""
    checkpoint = load_checkpoint(path)
    header = checkpoint.header
    if header.task != learner.task:
        raise InputError(f"TEACHER={path}: is for the task {header.task}, the training is of {learner.task}")
    if header.labels != learner.labels:
        raise InputError(f"TEACHER={path}: knows the classes {header.labels}, the data have {learner.labels}")
    if header.multi_label != learner.multi_label:
        raise InputError(f"TEACHER={path}: one of it and the data has several classes per image, the other one")
    checkpoint.network.requires_grad_(False).to(torch.get_default_device())
    decode = decode_of(header)
    if isinstance(decode, ClassifyDecode | SegmentDecode):
        compare = sigmoid_distillation if header.multi_label else softmax_distillation
        return _OfAnswers(checkpoint.network, header, compare, settings)
    return _OfBoxes(_detector(checkpoint, decode, settings.score))


def _detector(checkpoint: Checkpoint, decode: Decode, score: float) -> Predict:
    assert not isinstance(decode, ClassifyDecode | SegmentDecode)
    return detector(torch_run(checkpoint), preprocess_of(checkpoint.header), decode, score_threshold=score)


@dataclass(frozen=True)
class _OfAnswers:
    """A classifier or a segmenter: its logits."""

    network: nn.Module
    header: Header
    compare: Callable[[Tensor, Tensor, Distillation], Tensor]
    settings: Distillation

    def targets(self, images: Tensor, targets: Tensor) -> Tensor:
        return targets

    @torch.no_grad()
    def _answers(self, images: Tensor) -> Tensor:
        pixels = normalised(images, self.header.architecture.normalisation)
        size_hw = (self.header.height, self.header.width)
        if self.header.task == "classify" and pixels.shape[2:] != size_hw:
            pixels = F.interpolate(pixels, size_hw, mode="bilinear", align_corners=False)
        return single_output(self.network(pixels))

    def loss(self, images: Tensor, outputs: Outputs) -> Tensor:
        answers, taught = single_output(outputs), self._answers(images)
        if self.header.task == "classify":
            return self.compare(answers.flatten(1), taught.flatten(1), self.settings)
        if taught.shape[2:] != answers.shape[2:]:
            taught = F.interpolate(taught, answers.shape[2:], mode="bilinear", align_corners=False)
        return self.compare(answers, taught, self.settings)


@dataclass(frozen=True)
class _OfBoxes:
    """A detector: its boxes of objects that the labels do not have."""

    predict: Predict

    def targets(self, images: Tensor, targets: Tensor) -> Tensor:
        rows = [self._rows(index, image) for index, image in enumerate(images.permute(0, 2, 3, 1).cpu().numpy())]
        taught = torch.from_numpy(np.concatenate(rows)).to(targets)
        return with_taught_boxes(targets, taught)

    def _rows(self, index: int, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = self.predict(np.ascontiguousarray(image))
        height, width = image.shape[:2]
        boxes = found.boxes_xyxy / np.array((width, height, width, height), np.float32)
        centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        labels = np.stack((np.full(len(boxes), index), found.class_indices), 1)
        return np.concatenate((labels, centres, sides), 1).astype(np.float32)

    def loss(self, images: Tensor, outputs: Outputs) -> None:
        return None
