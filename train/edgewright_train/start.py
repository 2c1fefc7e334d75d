"""From a recipe to a training that stands at its first step, or at the step where it was stopped."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .checkpoint import Header
from .data.dataset import ClassificationDataset, Dataset, DetectionDataset
from .data.samples import SAMPLERS
from .ema import MovingAverage
from .errors import InputError
from .models.architecture import Task
from .recipe import Optimizer, Recipe
from .recipe_network import new_header
from .run_folder import RunFolder
from .start_weights import start_from
from .tasks.detect.anchors import by_scale, fit_anchors
from .training_state import Status, Training, read_state, restore_state

Say = Callable[[str], None]


def fresh_training(recipe: Recipe, train_set: Dataset, say: Say) -> Training:
    """At step 0, from random weights or those the recipe names; `say` is told what was loaded."""
    torch.manual_seed(recipe.seed)
    header = _new_header(recipe, train_set)
    arch = header.architecture
    network = arch.build(len(train_set.labels))
    arch.initialise(network)
    if recipe.weights:
        header, loaded = start_from(network, header, Path(recipe.weights))
        say(loaded)
    if recipe.anchors == "auto":
        anchors = header.anchors_px
        boxes = _box_sizes(cast(DetectionDataset, train_set), recipe.size_wh)
        fitted = fit_anchors(boxes, sum(map(len, anchors)), seed=recipe.seed)
        anchors = by_scale(fitted, [len(scale) for scale in anchors])
        header = header.model_copy(update={"anchors_px": anchors})
        say(f"anchors fitted to {train_set.name}: {anchors}")
    return _training(network, recipe, Status(header=header, truth_sha256=_truth_sha256(train_set, recipe.task)))


def resumed_training(recipe: Recipe, folder: RunFolder, train_set: Dataset, say: Say) -> Training:
    """As it was when it was last saved."""
    status, tensors = read_state(folder.state)
    if status.header.labels != train_set.labels or status.truth_sha256 != _truth_sha256(train_set, recipe.task):
        raise InputError(f"RESUME=1: {train_set.name} is not the data {folder.path} was trained on")
    if _cfg_text(status.header) != _cfg_text(_new_header(recipe, train_set)):
        raise InputError(f"RESUME=1: {recipe.cfg} is not the network {folder.path} was trained with")
    network = status.header.architecture.build(len(train_set.labels))
    training = _training(network, recipe, status)
    restore_state(training, tensors, source=str(folder.state))
    say(f"{folder.path}: continuing after step {status.step}")
    return training


def _new_header(recipe: Recipe, train_set: Dataset) -> Header:
    header = new_header(recipe.model, recipe.cfg, recipe.task, labels=train_set.labels, size_wh=recipe.size_wh)
    if recipe.task != "classify" or not cast(ClassificationDataset, train_set).multi_label:
        return header
    if header.darknet:
        raise InputError(f"{train_set.name}: its images may show several classes; {recipe.cfg} gives one (softmax)")
    return header.model_copy(update={"multi_label": True})


def _cfg_text(header: Header) -> str | None:
    return header.darknet.text if header.darknet else None


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


def _truth_sha256(dataset: Dataset, task: Task) -> str:
    """Of the truth only: hashing the images as well would read a whole data set before the first step."""
    digest = hashlib.sha256()
    for index in range(len(dataset)):
        digest.update(SAMPLERS[task].truth(dataset, index))
    return digest.hexdigest()
