"""What EdgeNets' DiCENet and ShuffleNetv2 have in common: half of the channels pass by, then all are shuffled.

Source: sacmehta/EdgeNets; Ma et al. 2018, arXiv:1807.11164.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .edgenets_blocks import ChannelShuffle, conv_norm_act


class ShuffleDown(nn.Module):
    """Both branches halve the size of the same map: (N, C, H, W) -> (N, Cleft + Cright, H/2, W/2)."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(torch.cat((self.left(x), self.right(x)), 1))


class ShuffleUnit(nn.Module):
    """(N, Cin, H, W) -> (N, Cout, H, W): the first half of the channels passes, the rest is widened and transformed.

    `transform` keeps its `cout - cin // 2` channels.
    """

    def __init__(self, cin: int, cout: int, transform: nn.Module) -> None:
        super().__init__()
        self.split = [cin // 2, cin - cin // 2]
        self.right = nn.Sequential(conv_norm_act(self.split[1], cout - self.split[0], 1), transform)
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        left, right = torch.split(x, self.split, 1)
        return self.shuffle(torch.cat((left, self.right(right)), 1))


class ShuffleBackbone(nn.Module):
    """(N, 3, H, W) -> maps at strides 2 and 4, which have `width` channels, and one more per level: 8, 16, ..."""

    def __init__(self, width: int, levels: Iterable[nn.Module]) -> None:
        super().__init__()
        self.stem = conv_norm_act(3, width, 3, stride=2)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.levels = nn.ModuleList(levels)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        stem = self.stem(image)
        maps = [stem, self.pool(stem)]
        for level in self.levels:
            maps.append(level(maps[-1]))
        return tuple(maps)
