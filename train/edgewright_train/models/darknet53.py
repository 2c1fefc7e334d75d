"""Darknet-53: five stages of residual pairs, a 1x1 convolution that halves the width and a 3x3 that restores it.

Source: Redmon & Farhadi 2018, arXiv:1804.02767; pjreddie/darknet cfg/darknet53.cfg has a leaky slope of 0.1,
developer0hye/PyTorch-Darknet53 one of 0.01.  Spec: spec-darknet53.md.
"""

from collections import OrderedDict

from torch import Tensor, nn

from .darknet_blocks import DarknetClassifier, conv_norm_act

_STEM_WIDTH = 32
_STAGES = ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))  # width, residual pairs


class Residual(nn.Module):
    """(N, C, H, W) -> the same shape."""

    def __init__(self, channels: int, leaky_slope: float) -> None:
        super().__init__()
        self.squeeze = conv_norm_act(channels, channels // 2, 1, nn.LeakyReLU(leaky_slope))
        self.restore = conv_norm_act(channels // 2, channels, 3, nn.LeakyReLU(leaky_slope))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.restore(self.squeeze(x))


class Darknet53(DarknetClassifier):
    """(N, 3, H, W) -> logits (N, K); H and W multiples of 32."""

    def __init__(self, num_classes: int, *, leaky_slope: float = 0.1) -> None:
        features = nn.Sequential(conv_norm_act(3, _STEM_WIDTH, 3, nn.LeakyReLU(leaky_slope)))
        channels = _STEM_WIDTH
        for width, num_pairs in _STAGES:
            down = conv_norm_act(channels, width, 3, nn.LeakyReLU(leaky_slope), stride=2)
            features.append(nn.Sequential(down, *(Residual(width, leaky_slope) for _ in range(num_pairs))))
            channels = width
        head = nn.Conv2d(channels, num_classes, 1)
        super().__init__(nn.Sequential(OrderedDict(features=features, pool=nn.AdaptiveAvgPool2d(1), head=head)))
