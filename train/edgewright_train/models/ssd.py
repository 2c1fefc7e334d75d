"""SSD for the EdgeNets backbones: six maps, merged from coarse to fine, and six priors in each of their cells.

Source: sacmehta/EdgeNets; Liu et al. 2016, arXiv:1512.02325.  N batch, K object classes (of K + 1, class 0 is the
background), A priors of all maps in the order map (fine to coarse), row, column, shape.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .edgenets_blocks import PyramidPooling, conv, conv_norm_act
from .resampling import resample_like

NUM_PRIORS = 6
NUM_MAPS = 6
_EXTRA_CHANNELS = (512, 256, 128)
# Of the pyramids, from the map at stride 64 to the one at stride 8.
_SCALES = ((2.0, 1.0), (2.0, 1.0, 0.5), (2.0, 1.0, 0.5, 0.25), (2.0, 1.0, 0.5, 0.25))
# Per input side, the side of each map's smallest prior and of the one that would follow, in pixels.
_SIDES_PX = {300: (30, 77, 125, 172, 220, 267, 315), 512: (52, 133, 214, 295, 376, 457, 538)}
_RATIOS = (2, 3)


def strides(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """Per map, the (x, y) distance of prior centres in pixels; the first centre is half of it from the edge.

    The first four are nominal, though a map may reach beyond the input (centres are clipped to it); the last two divide
    the input evenly.  300 and 512 pixels give the published tables.
    """
    return tuple(zip(_strides(width), _strides(height), strict=True))


def priors_wh(width: int, height: int) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Per map, the (w, h) of a cell's priors as fractions of the input's sides, at most 1.

    Published for 300x300 and 512x512; any other input gets the fractions of 300x300.
    """
    side = 512 if (width, height) == (512, 512) else 300
    return tuple(_shapes(smallest / side, following / side) for smallest, following in pairwise(_SIDES_PX[side]))


def split_maps(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The detector's maps -> offsets (N, A, 4) and class logits (N, A, K + 1)."""
    offsets = [_rows(single[:, : 4 * NUM_PRIORS]) for single in maps]
    logits = [_rows(single[:, 4 * NUM_PRIORS :]) for single in maps]
    return torch.cat(offsets, 1), torch.cat(logits, 1)


class SsdNeck(nn.Module):
    """Maps at strides 8, 16, 32 with `channels` -> six maps: strides 8, 16, 32, 64, 128 and one pooled to 1x1."""

    def __init__(self, channels: tuple[int, int, int]) -> None:
        super().__init__()
        fourth, fifth, sixth = _EXTRA_CHANNELS
        self.channels = (*channels, *_EXTRA_CHANNELS)
        self.shrink = nn.ModuleList(
            nn.Sequential(conv_norm_act(cin, cin, 3, stride=2, groups=cin), conv_norm_act(cin, cout, 1))
            for cin, cout in pairwise((channels[-1], fourth, fifth))
        )
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(fifth, sixth, 1), nn.ReLU())
        self.enlarge = resample_like("bilinear")
        self.pyramids = nn.ModuleList(
            PyramidPooling(coarse + fine, fine // 5, fine, scales)
            for (coarse, fine), scales in zip(pairwise((fifth, fourth, *reversed(channels))), _SCALES, strict=True)
        )

    def forward(self, stride8: Tensor, stride16: Tensor, stride32: Tensor) -> tuple[Tensor, ...]:
        finer = [stride8, stride16, stride32]
        for shrink in self.shrink:
            finer.append(shrink(finer[-1]))
        merged = [finer.pop()]
        pooled = self.pool(merged[0])
        for fine, pyramid in zip(reversed(finer), self.pyramids, strict=True):
            merged.append(pyramid(torch.cat((self.enlarge(merged[-1], fine), fine), 1)))
        return (*reversed(merged), pooled)


class SsdDetector(nn.Module):
    """(N, 3, H, W) -> per map (N, 6 * (4 + K + 1), h, w): 4 offsets per prior, then K + 1 logits per prior.

    This is also the form that ships.  `backbone` gives a tuple of maps, the last three at strides 8, 16 and 32; `widen`
    takes the last of them to `channels[-1]`.
    """

    def __init__(
        self, backbone: nn.Module, channels: tuple[int, int, int], num_classes: int, *, widen: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.widen = nn.Identity() if widen is None else widen
        self.neck = SsdNeck(channels)
        self.heads = nn.ModuleList(
            conv(cin, NUM_PRIORS * (4 + num_classes + 1), 1, bias=True) for cin in self.neck.channels
        )
        _start_from_xavier(self)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        *_, stride8, stride16, stride32 = self.backbone(image)
        maps = self.neck(stride8, stride16, self.widen(stride32))
        return tuple(head(single) for head, single in zip(self.heads, maps, strict=True))


def _start_from_xavier(network: SsdDetector) -> None:
    """As published, where Kaiming did not converge; offsets and logits of a head count as two convolutions."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for head in network.heads:
        weight = head.get_parameter("weight")
        nn.init.xavier_uniform_(weight[: 4 * NUM_PRIORS])
        nn.init.xavier_uniform_(weight[4 * NUM_PRIORS :])


def _strides(side: int) -> tuple[float, ...]:
    return (8.0, 16.0, 32.0, 64.0, side / math.ceil(side / 128), float(side))


def _shapes(smallest: float, following: float) -> tuple[tuple[float, float], ...]:
    between = math.sqrt(smallest * following)
    shapes = [(smallest, smallest), (between, between)]
    for ratio in map(math.sqrt, _RATIOS):
        shapes += [(smallest * ratio, smallest / ratio), (smallest / ratio, smallest * ratio)]
    return tuple((min(width, 1.0), min(height, 1.0)) for width, height in shapes)


def _rows(single: Tensor) -> Tensor:
    """(N, 6 * D, h, w), prior by prior -> (N, h * w * 6, D)."""
    return single.permute(0, 2, 3, 1).reshape(len(single), -1, single.shape[1] // NUM_PRIORS)
