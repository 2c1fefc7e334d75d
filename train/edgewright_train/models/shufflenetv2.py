"""ShuffleNetv2 as EdgeNets has it: PReLU everywhere, a contiguous split, the shuffle after the concatenation.

Source: sacmehta/EdgeNets; Ma et al. 2018, arXiv:1807.11164.  Images are (N, 3, H, W), RGB, ImageNet-normalised.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import nn

from .edgenets_blocks import conv, conv_norm, conv_norm_act, start_from_kaiming
from .edgenets_classifier import Classifier
from .shuffle_blocks import ShuffleBackbone, ShuffleDown, ShuffleUnit

# Channels of the maps at strides 2, 4, 8, 16, 32, and of the last map.
CHANNELS = {
    "0.1": (8, 8, 16, 32, 64, 512),
    "0.5": (24, 24, 48, 96, 192, 1024),
    "1.0": (24, 24, 116, 232, 464, 1024),
    "1.5": (24, 24, 176, 352, 704, 1024),
    "2.0": (24, 24, 244, 488, 976, 2048),
}
_NUM_UNITS = (3, 7, 3)


class ShuffleNetV2Classifier(Classifier):
    """(N, 3, H, W) -> logits (N, K)."""

    def __init__(self, scale: str, num_classes: int) -> None:
        channels = CHANNELS[scale]
        *_, before, last = channels
        *levels, final = _levels(channels)
        backbone = ShuffleBackbone(channels[0], (*levels, final.append(conv_norm_act(before, last, 1))))
        dropout = nn.Dropout(0.2 if float(scale) > 1 else 0.0)
        super().__init__(backbone, nn.Sequential(dropout, conv(last, num_classes, 1, bias=True)))
        start_from_kaiming(self)


def _levels(channels: Sequence[int]) -> Iterator[nn.Sequential]:
    for (cin, cout), num_units in zip(pairwise(channels[1:5]), _NUM_UNITS, strict=True):
        down = ShuffleDown(
            _separable(cin, stride=2), nn.Sequential(conv_norm_act(cin, cin, 1), _separable(cin, stride=2))
        )
        widths = (2 * cin, *(cout for _ in range(num_units)))
        yield nn.Sequential(down, *(ShuffleUnit(a, b, _separable(b - a // 2)) for a, b in pairwise(widths)))


def _separable(channels: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        conv_norm(channels, channels, 3, stride=stride, groups=channels), conv_norm_act(channels, channels, 1)
    )
