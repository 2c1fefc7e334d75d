"""ESPNetv2: depthwise convolutions with growing dilation on one reduced map, fused step by step, and the RGB image fed
again to every down-sampling level.

Source: sacmehta/EdgeNets; Mehta et al. 2019, arXiv:1811.11431.  Images are (N, 3, H, W), RGB, ImageNet-normalised.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .edgenets_blocks import conv, conv_norm, conv_norm_act, norm_act, start_from_kaiming
from .edgenets_classifier import Classifier
from .segmentation_decoder import Segmenter
from .ssd import SsdDetector

# Channels of the maps at strides 2, 4, 8, 16, 32, and of the last map.
CHANNELS = {
    "0.5": (16, 32, 64, 128, 256, 1024),
    "1.0": (32, 64, 128, 256, 512, 1024),
    "1.25": (32, 80, 160, 320, 640, 1024),
    "1.5": (32, 96, 192, 384, 768, 1024),
    "2.0": (32, 128, 256, 512, 1024, 1280),
}
_BRANCHES = 4
# Per level from stride 4 on: dilations of the down-sampling block; dilations and number of the blocks after it.
_LEVELS = (
    ((1, 2, 3, 4), (), 0),
    ((1, 2, 3, 4), (1, 2, 3, 4), 3),
    ((1, 2, 3, 4), (1, 1, 2, 3), 7),
    ((1, 1, 2, 3), (1, 1, 1, 2), 3),
)


class DilatedPyramid(nn.Module):
    """(N, Cin, H, W) -> (N, Cout, H / stride, W / stride), not activated.

    Reduce, convolve depthwise at each dilation, add to each branch the one before it, expand.
    """

    def __init__(self, cin: int, cout: int, dilations: Sequence[int], *, stride: int = 1) -> None:
        super().__init__()
        mid = cout // _BRANCHES
        self.reduce = conv_norm_act(cin, mid, 1, groups=_BRANCHES)
        self.branches = nn.ModuleList(conv(mid, mid, 3, stride=stride, groups=mid, dilation=d) for d in dilations)
        self.norm_act = norm_act(cout)
        self.expand = conv_norm(cout, cout, 1, groups=_BRANCHES)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        first, *others = self.branches
        fused = [first(reduced)]
        for branch in others:
            fused.append(branch(reduced) + fused[-1])
        return self.expand(self.norm_act(torch.cat(fused, 1)))


class Block(nn.Module):
    """Residual `DilatedPyramid`: the shape stays."""

    def __init__(self, channels: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.pyramid = DilatedPyramid(channels, channels, dilations)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.pyramid(x))


class Down(nn.Module):
    """(N, Cin, H, W), the image pooled to the output's size -> (N, Cout, H/2, W/2)."""

    def __init__(self, cin: int, cout: int, dilations: Sequence[int], *, sees_image: bool) -> None:
        super().__init__()
        self.pool = _shrink()
        self.pyramid = DilatedPyramid(cin, cout - cin, dilations, stride=2)
        self.from_image = nn.Sequential(conv_norm_act(3, 3, 3), conv_norm(3, cout, 1)) if sees_image else None
        self.act = nn.PReLU(cout)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        y = torch.cat((self.pool(x), self.pyramid(x)), 1)
        return self.act(y if self.from_image is None else y + self.from_image(image))


class Level(nn.Module):
    """One down-sampling block and those after it."""

    def __init__(self, down: Down, blocks: nn.Sequential) -> None:
        super().__init__()
        self.down, self.blocks = down, blocks

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        return self.blocks(self.down(x, image))


class Backbone(nn.Module):
    """(N, 3, H, W) -> the maps at strides 2, 4, 8, 16 and, with more than four `channels`, 32.

    Attributes:
        num_levels_with_image: so many of the levels after the stem are given the image.
    """

    def __init__(self, channels: Sequence[int], *, num_levels_with_image: int = 3) -> None:
        super().__init__()
        self.num_levels_with_image = num_levels_with_image
        self.stem = conv_norm_act(3, channels[0], 3, stride=2)
        self.shrink = _shrink()
        self.levels = nn.ModuleList()
        for index, (cin, cout) in enumerate(pairwise(channels[:5])):
            down_dilations, dilations, num_blocks = _LEVELS[index]
            down = Down(cin, cout, down_dilations, sees_image=index < num_levels_with_image)
            blocks = nn.Sequential(*(Block(cout, dilations) for _ in range(num_blocks)))
            self.levels.append(Level(down, blocks))
        for cin, cout in pairwise(channels[4:]):
            blocks.extend((conv_norm_act(cin, cin, 3, groups=cin), conv_norm_act(cin, cout, 1, groups=_BRANCHES)))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        maps, image = [self.stem(image)], self.shrink(image)
        for index, level in enumerate(self.levels):
            if index < self.num_levels_with_image:
                image = self.shrink(image)
            maps.append(level(maps[-1], image))
        return tuple(maps)


class EspnetV2Classifier(Classifier):
    """(N, 3, H, W) -> logits (N, K).  The last level is not given the image."""

    def __init__(self, scale: str, num_classes: int) -> None:
        channels = CHANNELS[scale]
        last = conv(channels[-1], num_classes, 1, bias=True)
        super().__init__(Backbone(channels), nn.Sequential(nn.Dropout(0.2), last))
        start_from_kaiming(self)
        nn.init.normal_(last.weight, std=0.001)


class EspnetV2Segmenter(Segmenter):
    """(N, 3, H, W) -> logits (N, K, H, W)."""

    def __init__(self, scale: str, num_classes: int) -> None:
        channels = CHANNELS[scale][:4]
        super().__init__(Backbone(channels), channels, num_classes)
        start_from_kaiming(self)


class EspnetV2Detector(SsdDetector):
    """(N, 3, H, W) -> six maps, see `SsdDetector`.  The last level is given the image, unlike in the classifier."""

    def __init__(self, scale: str, num_classes: int) -> None:
        channels = CHANNELS[scale]
        backbone = Backbone(channels, num_levels_with_image=4)
        super().__init__(backbone, (channels[2], channels[3], channels[5]), num_classes)


def _shrink() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 2, padding=1)
