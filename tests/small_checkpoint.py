"""A small checkpoint with weights that make detections."""

from pathlib import Path

import torch
from torch import nn

from edgewright_train.checkpoint import Header, save_checkpoint
from edgewright_train.models import architecture

LABELS = ("disc", "ring", "star")


def write_small_checkpoint(path: Path, labels: tuple[str, ...] = LABELS, *, padding: int | None = None) -> Path:
    """An untrained yolo-fastestv2 for 96x64 (width x height) whose every weight matters to what it detects.

    With `padding`, of letterboxed images.
    """
    torch.manual_seed(7)
    arch = architecture("yolo-fastestv2")
    network = arch.build(len(labels))
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        network.train()(torch.rand(8, 3, 64, 96))  # running statistics that fit
        network.output_reg_layers.weight.mul_(0.03)  # boxes near their anchors, none a hair thin
        network.output_obj_layers.weight.mul_(0.1)
        network.output_cls_layers.weight.mul_(0.15)
        network.output_cls_layers.bias.copy_(torch.eye(len(labels))[0] * 1.5)  # few near-ties between classes
    header = Header(
        model="yolo-fastestv2", labels=labels, anchors_px=arch.default_anchors_px, width=96, height=64, origin="a test",
        resize="stretch" if padding is None else "letterbox", padding=padding,
    )  # fmt: skip
    save_checkpoint(path, network.state_dict(), header)
    return path
