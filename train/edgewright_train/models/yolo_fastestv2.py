"""YOLO-FastestV2: a ShuffleNetV2-like backbone, a two-scale light FPN and three shared 1x1 output convolutions.

Source: dog-qiuqiu/Yolo-FastestV2; ShuffleNetV2 is Ma et al. 2018, arXiv:1807.11164.  Parameter names are those of the
published checkpoints, so that they load as they are.  Tensors are (N, C, H, W), BGR in 0..1; H and W multiples of 32.
Letters: N batch, A anchors per cell, K classes, C2/C3 backbone maps at stride 16/32.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (16, 32)
NUM_ANCHORS = 3
# (w, h) in pixels at the network's input; the first three belong to stride 16 (COCO k-means of the published model).
COCO_ANCHORS_PX = (
    ((12.64, 19.39), (37.88, 51.48), (55.71, 138.31)),
    ((126.91, 78.23), (131.57, 214.55), (279.92, 258.87)),
)
_STAGES = ((24, 48, 4), (48, 96, 8), (96, 192, 4))  # in channels, out channels, blocks
_NECK_WIDTH = 72
_FIRST_OBJECTNESS = 0.01


class DownBlock(nn.Module):
    """(N, Cin, H, W) -> (N, 2*Cin, H/2, W/2): concat(projection, main), no shuffle."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        mid = out_channels // 2
        self.branch_main = nn.Sequential(
            *_conv_norm(in_channels, mid, 1), nn.ReLU(),
            *_conv_norm(mid, mid, 3, stride=2, groups=mid),
            *_conv_norm(mid, out_channels - in_channels, 1), nn.ReLU(),
        )  # fmt: skip
        self.branch_proj = nn.Sequential(
            *_conv_norm(in_channels, in_channels, 3, stride=2, groups=in_channels),
            *_conv_norm(in_channels, in_channels, 1), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.branch_proj(x), self.branch_main(x)), 1)


class BasicBlock(nn.Module):
    """(N, C, H, W) -> the same shape: even channels pass, odd channels are processed, then both are concatenated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch_main = nn.Sequential(
            *_conv_norm(half, half, 1), nn.ReLU(),
            *_conv_norm(half, half, 3, groups=half),
            *_conv_norm(half, half, 1), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        shuffled = x.view(batch, channels // 2, 2, height, width).transpose(1, 2).reshape(x.shape)
        even, odd = shuffled.chunk(2, 1)
        return torch.cat((even, self.branch_main(odd)), 1)


class Backbone(nn.Module):
    """(N, 3, H, W) -> C2 (N, 96, H/16, W/16), C3 (N, 192, H/32, W/32)."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(*_conv_norm(3, 24, 3, stride=2), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.stage2, self.stage3, self.stage4 = (
            nn.Sequential(DownBlock(cin, cout), *(BasicBlock(cout) for _ in range(num_blocks - 1)))
            for cin, cout, num_blocks in _STAGES
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        c2 = self.stage3(self.stage2(self.maxpool(self.first_conv(x))))
        return c2, self.stage4(c2)


class Tower(nn.Module):
    """Two depthwise 5x5 + linear 1x1 pairs; the width stays."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            *_conv_norm(channels, channels, 5, groups=channels), nn.ReLU(),
            *_conv_norm(channels, channels, 1),
            *_conv_norm(channels, channels, 5, groups=channels), nn.ReLU(),
            *_conv_norm(channels, channels, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class LightFPN(nn.Module):
    """C2, C3 -> class and box features at stride 16, then at stride 32, each `_NECK_WIDTH` wide."""

    def __init__(self, c2_channels: int, c3_channels: int) -> None:
        super().__init__()
        self.conv1x1_2 = nn.Sequential(*_conv_norm(c2_channels + c3_channels, _NECK_WIDTH, 1), nn.ReLU())
        self.conv1x1_3 = nn.Sequential(*_conv_norm(c3_channels, _NECK_WIDTH, 1), nn.ReLU())
        self.cls_head_2 = Tower(_NECK_WIDTH)
        self.reg_head_2 = Tower(_NECK_WIDTH)
        self.reg_head_3 = Tower(_NECK_WIDTH)
        self.cls_head_3 = Tower(_NECK_WIDTH)

    def forward(self, c2: Tensor, c3: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s3 = self.conv1x1_3(c3)
        s2 = self.conv1x1_2(torch.cat((F.interpolate(c3, scale_factor=2.0), c2), 1))
        return self.cls_head_2(s2), self.reg_head_2(s2), self.cls_head_3(s3), self.reg_head_3(s3)


class YoloFastestV2(nn.Module):
    """(N, 3, H, W) -> logits reg (N, 4A, h, w), obj (N, A, h, w), cls (N, K, h, w) at stride 16, then at stride 32."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = Backbone()
        self.fpn = LightFPN(96, 192)
        self.output_reg_layers = nn.Conv2d(_NECK_WIDTH, 4 * NUM_ANCHORS, 1)
        self.output_obj_layers = nn.Conv2d(_NECK_WIDTH, NUM_ANCHORS, 1)
        self.output_cls_layers = nn.Conv2d(_NECK_WIDTH, num_classes, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        cls_16, reg_16, cls_32, reg_32 = self.fpn(*self.backbone(x))
        return (
            self.output_reg_layers(reg_16), self.output_obj_layers(cls_16), self.output_cls_layers(cls_16),
            self.output_reg_layers(reg_32), self.output_obj_layers(cls_32), self.output_cls_layers(cls_32),
        )  # fmt: skip


def expect_few_objects(network: YoloFastestV2) -> None:
    """Start training with 1 % objectness everywhere, so that its first steps are not spent on empty cells.

    Source: Lin et al. 2017, arXiv:1708.02002, section 4.1.
    """
    bias = network.output_obj_layers.bias
    assert bias is not None
    nn.init.constant_(bias, -math.log((1 - _FIRST_OBJECTNESS) / _FIRST_OBJECTNESS))


class Deployed(nn.Module):
    """The form that ships: activated maps, one (N, 5A + K, h, w) tensor per stride, channels [reg, obj, cls]."""

    def __init__(self, network: YoloFastestV2) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        reg_16, obj_16, cls_16, reg_32, obj_32, cls_32 = self.network(image)
        return _activated(reg_16, obj_16, cls_16), _activated(reg_32, obj_32, cls_32)


def _activated(reg: Tensor, obj: Tensor, cls: Tensor) -> Tensor:
    return torch.cat((reg.sigmoid(), obj.sigmoid(), cls.softmax(1)), 1)


def _conv_norm(cin: int, cout: int, kernel: int, *, stride: int = 1, groups: int = 1) -> tuple[nn.Conv2d, nn.Module]:
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)
