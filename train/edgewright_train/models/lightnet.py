"""LightNet: an ELAN-like backbone, a pyramid of 1x1 convolutions, a path-aggregating neck; detector or segmenter.

Source: daniel89710/lightNet, cfg/lightNet-BDD100K-1280x960.cfg and lightSeg-BDD100K-laneMarker-1280x960.cfg; spec:
spec-lightnet.md section 7.  Its dilated convolutions are 1x1, where dilation means nothing.  Tensors are (N, C, H, W),
RGB in 0..1; H and W multiples of 32.  Letters: A anchors per cell, K classes, Pn a map at stride n.
"""

import math

import torch
from torch import Tensor, nn

from .darknet_blocks import conv_norm_act

STRIDES = (8, 16, 32)
NUM_ANCHORS = 3
# (w, h) in pixels at 1280x960, finest stride first, of the published BDD100K detector.
BDD100K_ANCHORS_PX = (
    ((7.0, 14.0), (17.0, 21.0), (11.0, 38.0)),
    ((31.0, 40.0), (21.0, 84.0), (57.0, 69.0)),
    ((87.0, 130.0), (148.0, 198.0), (215.0, 337.0)),
)
SCALE_X_Y = 2.0
_FIRST_OBJECTNESS = 0.01


def _conv(cin: int, cout: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    return conv_norm_act(cin, cout, kernel, nn.ReLU(), stride=stride)


class Elan(nn.Module):
    """(N, Cin, H, W) -> (N, 2 * width, H, W): four 3x3 convolutions in a row, every second one of which is kept."""

    def __init__(self, cin: int, width: int) -> None:
        super().__init__()
        self.bypass = _conv(cin, width, 1)
        self.entry = _conv(cin, width, 1)
        self.first = nn.Sequential(_conv(width, width, 3), _conv(width, width, 3))
        self.second = nn.Sequential(_conv(width, width, 3), _conv(width, width, 3))
        self.merge = _conv(4 * width, 2 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        bypass, entry = self.bypass(x), self.entry(x)
        first = self.first(entry)
        return self.merge(torch.cat((self.second(first), first, entry, bypass), 1))


class Pyramid(nn.Module):
    """(N, 2 * width, H, W) -> (N, width, H, W): three parallel 1x1 convolutions beside a bypass."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bypass = _conv(2 * width, width, 1)
        self.squeeze = _conv(2 * width, width, 1)
        self.branches = nn.ModuleList(_conv(width, width, 1) for _ in range(3))
        self.gather = _conv(4 * width, width, 1)
        self.merge = _conv(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        bypass, squeezed = self.bypass(x), self.squeeze(x)
        first, second, third = self.branches
        gathered = self.gather(torch.cat((third(squeezed), second(squeezed), first(squeezed), squeezed), 1))
        return self.merge(torch.cat((bypass, gathered), 1))


class Backbone(nn.Module):
    """(N, 3, H, W) -> P4 (N, 64), P8 (N, 128), P16 (N, 256), P32 (N, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 32, 3, stride=2), _conv(32, 64, 3, stride=2))
        self.stage4 = Elan(64, 32)
        self.stage8 = nn.Sequential(_conv(64, 64, 3, stride=2), Elan(64, 64))
        self.stage16 = nn.Sequential(_conv(128, 128, 3, stride=2), Elan(128, 128))
        self.stage32 = nn.Sequential(_conv(256, 256, 3, stride=2), Elan(256, 256), Pyramid(256))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        p4 = self.stage4(self.stem(image))
        p8 = self.stage8(p4)
        p16 = self.stage16(p8)
        return p4, p8, p16, self.stage32(p16)


class Climb(nn.Module):
    """One step up the neck: coarse (N, Cin, H, W), fine (N, Cin', 2H, 2W) -> narrow coarse, merged fine, half as wide
    as `fine` each.
    """

    def __init__(self, coarse_channels: int, fine_channels: int) -> None:
        super().__init__()
        width = fine_channels // 2
        self.narrow = _conv(coarse_channels, width, 1)
        self.enlarge = nn.Upsample(scale_factor=2.0)
        self.lateral = _conv(fine_channels, width, 1)
        self.merge = Elan(2 * width, width // 2)

    def forward(self, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        narrow = self.narrow(coarse)
        return narrow, self.merge(torch.cat((self.lateral(fine), self.enlarge(narrow)), 1))


class Descend(nn.Module):
    """One step down the neck: fine (N, C, 2H, 2W), coarse (N, C, H, W) -> (N, 2C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shrink = _conv(channels, 2 * channels, 3, stride=2)
        self.merge = Elan(3 * channels, channels)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        return self.merge(torch.cat((self.shrink(fine), coarse), 1))


class LightNetDetector(nn.Module):
    """(N, 3, H, W) -> a map (N, A * (5 + K), H/s, W/s) per stride s, finest first, already between 0 and 1.

    Per anchor: x, y, w, h, objectness and classes, as darknet's [yolo] with new_coords=1 reads them.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = Backbone()
        self.up16, self.up8 = Climb(256, 256), Climb(128, 128)
        self.down16, self.down32 = Descend(64), Descend(128)
        channels = NUM_ANCHORS * (5 + num_classes)
        self.heads = nn.ModuleList(
            nn.Sequential(_conv(width, 2 * width, 3), nn.Conv2d(2 * width, channels, 1), nn.Sigmoid())
            for width in (64, 128, 256)
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        _, p8, p16, p32 = self.backbone(image)
        narrow32, up16 = self.up16(p32, p16)
        narrow16, fine = self.up8(up16, p8)
        middle = self.down16(fine, narrow16)
        coarse = self.down32(middle, narrow32)
        return tuple(head(x) for head, x in zip(self.heads, (fine, middle, coarse), strict=True))


class LightNetSegmenter(nn.Module):
    """(N, 3, H, W) -> logits (N, K, H/4, W/4)."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.up16, self.up8 = Climb(256, 256), Climb(128, 128)
        self.enlarge = nn.Upsample(scale_factor=2.0)
        self.head = nn.Sequential(
            _conv(128, 32, 1), _conv(32, 16, 3), _conv(16, 32, 1), nn.Conv2d(32, num_classes, 1)
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        p4, p8, p16, p32 = self.backbone(image)
        _, up16 = self.up16(p32, p16)
        _, fine = self.up8(up16, p8)
        return self.head(torch.cat((p4, self.enlarge(fine)), 1))


class DeployedSegmenter(nn.Module):
    """The form that ships: one output, the logits (N, K, H/4, W/4)."""

    def __init__(self, network: LightNetSegmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.network(image),)


def expect_few_objects(network: LightNetDetector) -> None:
    """Start training with 1 % objectness everywhere.  Source: Lin et al. 2017, arXiv:1708.02002, section 4.1."""
    for head in network.heads:
        assert isinstance(head, nn.Sequential)
        bias = head[1].bias
        assert isinstance(bias, Tensor)
        with torch.no_grad():
            bias.view(NUM_ANCHORS, -1)[:, 4] = -math.log((1 - _FIRST_OBJECTNESS) / _FIRST_OBJECTNESS)
