"""From a recipe to a training that stands at its first step, or at the step where it was stopped."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .checkpoint import Header
from .data.dataset import DetectionDataset
from .ema import MovingAverage
from .errors import InputError
from .models import architecture
from .recipe import Optimizer, Recipe
from .run_folder import RunFolder
from .start_weights import start_from
from .tasks.detect.anchors import by_scale, fit_anchors
from .training_state import Status, Training, read_state, restore_state

Say = Callable[[str], None]


def fresh_training(recipe: Recipe, train_set: DetectionDataset, say: Say) -> Training:
    """At step 0, from random weights or those the recipe names; `say` is told what was loaded."""
    torch.manual_seed(recipe.seed)
    arch = architecture(recipe.model)
    network = arch.build(len(train_set.labels))
    arch.initialise(network)
    anchors = arch.default_anchors_px
    if recipe.weights:
        header, loaded = start_from(network, recipe.model, train_set.labels, Path(recipe.weights))
        anchors = header.anchors_px
        say(loaded)
    if recipe.anchors == "auto":
        fitted = fit_anchors(_box_sizes(train_set, recipe.size_wh), sum(map(len, anchors)), seed=recipe.seed)
        anchors = by_scale(fitted, [len(scale) for scale in anchors])
        say(f"anchors fitted to {train_set.name}: {anchors}")
    width, height = recipe.size_wh
    status = Status(
        header=Header(model=recipe.model, labels=train_set.labels, anchors_px=anchors, width=width, height=height),
        boxes_sha256=_boxes_sha256(train_set),
    )
    return _training(network, recipe, status)


def resumed_training(recipe: Recipe, folder: RunFolder, train_set: DetectionDataset, say: Say) -> Training:
    """As it was when it was last saved."""
    status, tensors = read_state(folder.state)
    if status.header.labels != train_set.labels or status.boxes_sha256 != _boxes_sha256(train_set):
        raise InputError(f"RESUME=1: {train_set.name} is not the data {folder.path} was trained on")
    training = _training(architecture(recipe.model).build(len(train_set.labels)), recipe, status)
    restore_state(training, tensors, source=str(folder.state))
    say(f"{folder.path}: continuing after step {status.step}")
    return training


def _training(network: nn.Module, recipe: Recipe, status: Status) -> Training:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    average = MovingAverage(network, decay=recipe.average.decay, ramp_steps=recipe.average.ramp_steps)
    return Training(network, average, _sgd(network, recipe.optimizer), status)


def _sgd(network: nn.Module, settings: Optimizer) -> torch.optim.SGD:
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in network.parameters() if parameter.ndim <= 1]  # norms and biases
    vector_decay = settings.weight_decay if settings.decay_norms_and_biases else 0.0
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": vector_decay}]
    return torch.optim.SGD(
        groups,
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
    )


def _box_sizes(dataset: DetectionDataset, size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """(N, 2) widths and heights of the boxes to learn, in pixels of the network's input."""
    sizes = []
    for index in range(len(dataset)):
        annotation = dataset.annotation(index)
        boxes = annotation.boxes_xyxy[~annotation.is_crowd].astype(np.float64)
        sizes.append((boxes[:, 2:] - boxes[:, :2]) * size_wh / (annotation.width, annotation.height))
    return np.concatenate(sizes)


def _boxes_sha256(dataset: DetectionDataset) -> str:
    """Of the annotations only: hashing the images as well would read a whole data set before the first step."""
    digest = hashlib.sha256()
    for index in range(len(dataset)):
        annotation = dataset.annotation(index)
        digest.update(np.array((annotation.image_id, len(annotation.boxes_xyxy))).tobytes())
        digest.update(annotation.boxes_xyxy.tobytes() + annotation.class_indices.tobytes())
    return digest.hexdigest()
