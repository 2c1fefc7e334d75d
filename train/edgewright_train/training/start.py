"""From a recipe to a training that stands at its first step, or at the step where it was stopped."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import nn

from ..checkpoint import Header
from ..data.dataset import ClassificationDataset, Dataset, DetectionDataset
from ..data.samples import SAMPLERS
from ..errors import InputError
from ..models.architecture import Task
from ..processes.parallel import in_parallel
from ..tasks.detect.anchors import box_sizes, by_scale, fit_anchors
from .ema import MovingAverage
from .freeze import freeze, train_mode
from .optimizer import build_optimizer
from .recipe import Recipe
from .recipe_network import new_header
from .run_folder import RunFolder
from .start_weights import start_from
from .state import Status, Training, read_state, restore_state

Say = Callable[[str], None]

_FIRST_LOSS_SCALE = 256.0  # of fp16; it doubles by itself, while one that is too large costs the first steps


def fresh_training(recipe: Recipe, train_set: Dataset, device: torch.device, say: Say) -> Training:
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
        boxes = box_sizes(cast(DetectionDataset, train_set), recipe.size_wh)
        fitted = fit_anchors(boxes, sum(map(len, anchors)), seed=recipe.seed)
        anchors = by_scale(fitted, [len(scale) for scale in anchors])
        header = header.model_copy(update={"anchors_px": anchors})
        say(f"anchors fitted to {train_set.name}: {anchors}")
    status = Status(header=header, truth_sha256=_truth_sha256(train_set, recipe.task))
    return _training(network, recipe, status, device)


def resumed_training(recipe: Recipe, folder: RunFolder, train_set: Dataset, device: torch.device, say: Say) -> Training:
    """As it was when it was last saved."""
    status, tensors = read_state(folder.state)
    if status.header.labels != train_set.labels or status.truth_sha256 != _truth_sha256(train_set, recipe.task):
        raise InputError(f"RESUME=1: {train_set.name} is not the data {folder.path} was trained on")
    if _cfg_text(status.header) != _cfg_text(_new_header(recipe, train_set)):
        raise InputError(f"RESUME=1: {recipe.cfg} is not the network {folder.path} was trained with")
    network = status.header.architecture.build(len(train_set.labels))
    training = _training(network, recipe, status, device)
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


def _training(network: nn.Module, recipe: Recipe, status: Status, device: torch.device) -> Training:
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    freeze(network, recipe.freeze, batch_norms=recipe.freeze_batch_norms)
    average = MovingAverage(network, decay=recipe.average.decay, ramp_steps=recipe.average.ramp_steps)
    optimizer = build_optimizer(network, recipe.optimizer)
    scaler = torch.amp.GradScaler(device.type, init_scale=_FIRST_LOSS_SCALE, enabled=recipe.precision == "fp16")
    parallel = in_parallel(network, recipe.sync_batch_norm, device)
    train_mode(network)
    return Training(network, parallel, average, optimizer, scaler, status)


def _truth_sha256(dataset: Dataset, task: Task) -> str:
    """Of the truth only: hashing the images as well would read a whole data set before the first step."""
    digest = hashlib.sha256()
    for index in range(len(dataset)):
        digest.update(SAMPLERS[task].truth(dataset, index))
    return digest.hexdigest()
