"""DiCENet: convolutions along each of the three axes of a map instead of over its channels.

Source: sacmehta/EdgeNets; Mehta et al. 2019, arXiv:1906.03516.  Images are (N, 3, H, W), RGB, ImageNet-normalised.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from .edgenets_blocks import ChannelShuffle, conv, conv_norm_act, norm_act, start_from_kaiming
from .edgenets_classifier import Classifier
from .resampling import resample_like, resample_to
from .segmentation_decoder import Segmenter
from .shuffle_blocks import ShuffleBackbone, ShuffleDown, ShuffleUnit
from .ssd import SsdDetector

# Channels of the maps at strides 2, 4, 8, 16, 32, and of what classifier and detector make of the last.
CHANNELS = {
    "0.2": (16, 16, 32, 64, 128, 1024),
    "0.5": (24, 24, 48, 96, 192, 1024),
    "0.75": (24, 24, 86, 172, 344, 1024),
    "1.0": (24, 24, 116, 232, 464, 1024),
    "1.25": (24, 24, 144, 288, 576, 1024),
    "1.5": (24, 24, 176, 352, 704, 1024),
    "1.75": (24, 24, 210, 420, 840, 1024),
    "2.0": (24, 24, 244, 488, 976, 1024),
    "2.4": (24, 24, 278, 556, 1112, 1280),
}
_NUM_UNITS = (3, 7, 3)
# Side of the maps per level at the 224 x 224 input that every published checkpoint was built for.
_NOMINAL_SIDES = (28, 14, 7)


class AxisConvolution(nn.Module):
    """Depthwise 3x3 with the rows (`axis` 2) or the columns (3) in the place of the channels; the shape stays.

    Its weights belong to `side` rows or columns, so the map is resampled to that many and back.
    """

    def __init__(self, axis: Literal[2, 3], side: int) -> None:
        super().__init__()
        self.axis = axis
        self.there = resample_to("fit", height=side) if axis == 2 else resample_to("fit", width=side)
        self.conv = conv(side, side, 3, groups=side)
        self.back = resample_like("fit")

    def forward(self, x: Tensor) -> Tensor:
        swapped = self.there(x).transpose(1, self.axis)
        return self.back(self.conv(swapped).transpose(1, self.axis), x)


class Dice(nn.Module):
    """Convolutions along all three axes, mixed per channel, then gated by the pooled mixture; the shape stays."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.channel = conv(channels, channels, 3, groups=channels)
        self.height = AxisConvolution(2, side)
        self.width = AxisConvolution(3, side)
        self.mix = nn.Sequential(
            norm_act(3 * channels), ChannelShuffle(3), conv_norm_act(3 * channels, channels, 1, groups=channels)
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            conv(channels, channels // 4, 1), nn.ReLU(),
            conv(channels // 4, channels, 1), nn.Sigmoid(),
        )  # fmt: skip
        self.project = conv_norm_act(channels, channels, 3, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(torch.cat((self.channel(x), self.height(x), self.width(x)), 1))
        return self.project(mixed) * self.gate(mixed)


class DicenetClassifier(Classifier):
    """(N, 3, H, W) -> logits (N, K)."""

    def __init__(self, scale: str, num_classes: int) -> None:
        *_, before, hidden = CHANNELS[scale]
        dropout = nn.Dropout(0.2 if float(scale) > 1 else 0.1)
        head = nn.Sequential(conv(before, hidden, 1, groups=4), dropout, conv(hidden, num_classes, 1, bias=True))
        super().__init__(_backbone(CHANNELS[scale][:5]), head)
        start_from_kaiming(self)


class DicenetSegmenter(Segmenter):
    """(N, 3, H, W) -> logits (N, K, H, W)."""

    def __init__(self, scale: str, num_classes: int) -> None:
        channels = CHANNELS[scale][:4]
        super().__init__(_backbone(channels), channels, num_classes)
        start_from_kaiming(self)


class DicenetDetector(SsdDetector):
    """(N, 3, H, W) -> six maps, see `SsdDetector`.  Ours: docs/adr/0007-dicenet-detector.md says why."""

    def __init__(self, scale: str, num_classes: int) -> None:
        channels = CHANNELS[scale]
        *_, before, last = channels
        super().__init__(
            _backbone(channels[:5]),
            (channels[2], channels[3], last),
            num_classes,
            widen=conv_norm_act(before, last, 1, groups=4),
        )


def _backbone(channels: Sequence[int]) -> ShuffleBackbone:
    return ShuffleBackbone(channels[0], _levels(channels))


def _levels(channels: Sequence[int]) -> Iterator[nn.Sequential]:
    for (cin, cout), num_units, side in zip(pairwise(channels[1:]), _NUM_UNITS, _NOMINAL_SIDES, strict=False):
        down = ShuffleDown(
            nn.Sequential(conv_norm_act(cin, cin, 3, stride=2, groups=cin), conv_norm_act(cin, cin, 1)),
            nn.Sequential(nn.AvgPool2d(3, 2, padding=1), Dice(cin, side), conv_norm_act(cin, cin, 1)),
        )
        widths = (2 * cin, *(cout for _ in range(num_units)))
        yield nn.Sequential(down, *(ShuffleUnit(a, b, Dice(b - a // 2, side)) for a, b in pairwise(widths)))
