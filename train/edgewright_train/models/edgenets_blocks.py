"""Blocks that the three EdgeNets families share.

Source: sacmehta/EdgeNets.  Convolutions have no bias unless said; PReLU has a slope per channel.  Tensors are
(N, C, H, W); K classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .resampling import Resample, resample_by, resample_like

_SMALLEST_SIDE = 5


def conv(
    cin: int, cout: int, kernel: int, *, stride: int = 1, groups: int = 1, dilation: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution that keeps the size at stride 1; kernels are odd."""
    padding = kernel // 2 * dilation
    return nn.Conv2d(cin, cout, kernel, stride, padding, dilation, groups, bias)


def conv_norm(cin: int, cout: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(conv(cin, cout, kernel, stride=stride, groups=groups), nn.BatchNorm2d(cout))


def conv_norm_act(cin: int, cout: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return conv_norm(cin, cout, kernel, stride=stride, groups=groups).append(nn.PReLU(cout))


def norm_act(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))


def start_from_kaiming(network: nn.Module) -> None:
    """Kaiming-normal over the outputs for every convolution, zero for its bias."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class ChannelShuffle(nn.Module):
    """Channel i of group g goes to i * groups + g; the shape stays."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        grouped = x.view(batch, self.groups, channels // self.groups, height, width)
        return grouped.transpose(1, 2).reshape(batch, channels, height, width)


class ScaledDepthwise(nn.Module):
    """Depthwise 3x3 on the map resampled by `scale`, then back to the size of x: (N, C, H, W) -> the same shape."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.conv = conv(channels, channels, 3, groups=channels)
        self.there: Resample | None = None
        if scale != 1:
            larger = scale > 1
            self.there = resample_by("bilinear" if larger else "average", scale, _SMALLEST_SIDE)
            self.back = resample_like("average" if larger else "bilinear")

    def forward(self, x: Tensor) -> Tensor:
        if self.there is None:
            return self.conv(x)
        return self.back(self.conv(self.there(x)), x)


class PyramidPooling(nn.Module):
    """Efficient pyramid pooling: depthwise convolutions at several scales of one reduced map, then merged.

    (N, Cin, H, W) -> (N, Cout, H, W): activated, or with `activated=False` plain logits with a bias.
    """

    def __init__(self, cin: int, mid: int, cout: int, scales: Sequence[float], *, activated: bool = True) -> None:
        super().__init__()
        self.reduce = conv_norm_act(cin, mid, 1)
        self.branches = nn.ModuleList(ScaledDepthwise(mid, scale) for scale in scales)
        self.merge = nn.Sequential(
            norm_act(mid * len(scales)),
            ChannelShuffle(len(scales)),
            conv_norm_act(mid * len(scales), mid, 3, groups=mid),
            conv(mid, cout, 1, bias=not activated),
        )
        if activated:
            self.merge.append(norm_act(cout))

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x)
        return self.merge(torch.cat([branch(reduced) for branch in self.branches], 1))
