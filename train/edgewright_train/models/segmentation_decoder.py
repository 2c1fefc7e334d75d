"""The decoder of ESPNetv2 and DiCENet for segmentation: from stride 16 up to stride 2, one encoder map at a time.

Source: sacmehta/EdgeNets.  N batch, K classes.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from .edgenets_blocks import PyramidPooling, conv, conv_norm_act, norm_act
from .resampling import resample_like

_SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
_WIDTH = 16
_WIDTHS = (4 * _WIDTH, 3 * _WIDTH, 2 * _WIDTH)


class GatedProjection(nn.Module):
    """(N, Cin, H, W) -> (N, Cout, H, W): a grouped 3x3 convolution, its channels weighted by the pooled input."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.expand = conv_norm_act(cin, cout, 3, groups=math.gcd(cin, cout))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(cin, cout, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.expand(x) * self.gate(x)


class SegmentationDecoder(nn.Module):
    """Maps at strides 2, 4, 8, 16 with `channels` -> logits (N, K, H/2, W/2)."""

    def __init__(self, channels: Sequence[int], num_classes: int) -> None:
        super().__init__()
        mid = max(1, min(num_classes // 2, _WIDTH))
        coarsest, *finer = reversed(channels)
        self.pyramids = nn.ModuleList(
            PyramidPooling(cin, mid, cout, _SCALES) for cin, cout in pairwise((coarsest, *_WIDTHS))
        )
        self.pyramids.append(PyramidPooling(_WIDTHS[-1], mid, num_classes, _SCALES, activated=False))
        self.laterals = nn.ModuleList(GatedProjection(cin, cout) for cin, cout in zip(finer, _WIDTHS, strict=True))
        self.norms = nn.ModuleList(norm_act(width) for width in _WIDTHS)
        self.enlarge = resample_like("bilinear")

    def forward(self, stride2: Tensor, stride4: Tensor, stride8: Tensor, stride16: Tensor) -> Tensor:
        first, *others = self.pyramids
        x = first(stride16)
        for tap, lateral, norm, pyramid in zip(
            (stride8, stride4, stride2), self.laterals, self.norms, others, strict=True
        ):
            x = pyramid(norm(self.enlarge(x, tap) + lateral(tap)))
        return x


class Segmenter(nn.Module):
    """(N, 3, H, W) -> logits (N, K, H, W).

    `backbone` gives the maps at strides 2, 4, 8 and 16, which have `channels`.
    """

    def __init__(self, backbone: nn.Module, channels: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.decoder = SegmentationDecoder(channels, num_classes)
        self.enlarge = resample_like("bilinear")

    def forward(self, image: Tensor) -> Tensor:
        return self.enlarge(self.decoder(*self.backbone(image)), image)


class Deployed(nn.Module):
    """The form that ships: one output, the logits (N, K, H, W)."""

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.network(image),)
