"""Networks that nobody trained yet, as checkpoints: from the zoo by name, or from a darknet cfg."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from .checkpoint import Checkpoint, DarknetCfg, Header
from .darknet.cfg import read_cfg
from .darknet.heads import heads_of
from .darknet.network import DEFAULT_BN_EPS, DarknetNetwork
from .darknet.plan import Plan, plan_network
from .darknet.weights_header import WeightsHeader
from .data.shapes.dataset import ShapesDataset
from .errors import InputError
from .inference import preprocess_of
from .labels import labels_without_names
from .models import architecture, check_size
from .models.architecture import Task

_NUM_SETTLING = 4  # images


def untrained(
    model: str, task: Task | None, *, num_classes: int | None = None, size_wh: tuple[int, int] | None = None
) -> Checkpoint:
    """With random weights, of torch's generator, and by default as many classes as the published ones have."""
    arch = architecture(model, task)
    if num_classes is not None and not 1 <= num_classes <= 65536:
        raise InputError(f"number of classes: {num_classes}; give 1 to 65536")
    count = arch.default_num_classes if num_classes is None else num_classes
    width, height = size_wh or arch.default_size_wh
    check_size(model, arch, width, height)
    network = arch.build(count)
    arch.initialise(network)
    header = Header(
        model=model,
        task=arch.task,
        labels=labels_without_names(count, arch.task)[0],
        anchors_px=arch.default_anchors_px,
        width=width,
        height=height,
        origin="untrained",
    )
    return Checkpoint(network.eval(), header)


def untrained_cfg(cfg: Path, *, size_wh: tuple[int, int] | None = None, bn_eps: float = DEFAULT_BN_EPS) -> Checkpoint:
    """What a cfg describes, at its own size or another, with random weights."""
    width, height = size_wh or (None, None)
    plan = plan_network(read_cfg(cfg), width=width, height=height)
    network = DarknetNetwork(plan, bn_eps=bn_eps)
    labels, _ = labels_without_names(network.heads.num_classes, network.heads.task)
    header = cfg_header(cfg, plan, bn_eps, labels, WeightsHeader())
    header.architecture.initialise(network)
    return Checkpoint(network.eval(), header)


def settled(checkpoint: Checkpoint) -> Checkpoint:
    """The same network made fit to be compared: batch norms that give a mean and a deviation of 1 on generated images.

    In place.  Activations stay in range, and mostly above zero: with a mean of 0, every layer of a random network
    enlarges differences, and a deep one turns rounding into errors that no trained network has.
    """
    network, preprocess = checkpoint.network, preprocess_of(checkpoint.header)
    scenes = ShapesDataset("train", count=_NUM_SETTLING)
    images = [preprocess.normalise(preprocess.network_image(scenes.image(index))) for index in range(_NUM_SETTLING)]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
        nn.init.ones_(norm.bias)
    with torch.no_grad():
        network.train()(torch.from_numpy(np.concatenate(images)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return Checkpoint(network.eval(), checkpoint.header)


def cfg_header(cfg: Path, plan: Plan, bn_eps: float, labels: tuple[str, ...], weights_header: WeightsHeader) -> Header:
    """Of the network that `plan` was made for; `cfg` names it."""
    return Header(
        model=cfg.stem,
        task=heads_of(plan).task,
        labels=labels,
        anchors_px=(),
        width=plan.image.width,
        height=plan.image.height,
        darknet=DarknetCfg(
            text=plan.cfg.text,
            bn_eps=bn_eps,
            version=(weights_header.major, weights_header.minor, weights_header.revision),
            seen=weights_header.seen,
        ),
        origin=f"{cfg.name}, untrained",
    )
