"""Small networks with every operation that can be on codes, alone between two layers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from tflite_int8 import Apply
from torch import Tensor, nn
from torch.nn import functional as F

LAST = 4  # channels of the last layer's result


def images(height: int = 9, width: int = 7) -> Tensor:
    """Not around zero, so that zero points matter."""
    return torch.randn(4, 3, height, width, generator=torch.Generator().manual_seed(0)) + 0.5


def conv(inputs: int, outputs: int, kernel: int = 1, *args: int, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, *args, **options)


@dataclass(frozen=True)
class Case:
    """`network`: every call makes the same; `on_codes`: no operation between the layers is in float."""

    name: str
    network: Callable[[], nn.Module]
    x: Tensor = field(default_factory=images)
    on_codes: bool = True


def case(name: str, *parts: Callable[[], nn.Module], x: Tensor | None = None, on_codes: bool = True) -> Case:
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(*(part() for part in parts))

    return Case(name, network, images() if x is None else x, on_codes)


def between(name: str, part: Callable[[], nn.Module], channels: int = 6, **options: Any) -> Case:
    """`part` keeps six channels, between the first and the last layer, but for `channels` of its result."""
    return case(name, lambda: conv(3, 6), part, lambda: conv(channels, LAST), **options)


def function(of: Callable[..., Any], *layers: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: Apply(of, *(layer() for layer in layers))


def with_weights(layer: nn.Conv2d, change: Callable[[Tensor, Tensor], None]) -> nn.Conv2d:
    assert layer.bias is not None
    with torch.no_grad():
        change(layer.weight, layer.bias)
    return layer


def dead_and_tiny(weight: Tensor, bias: Tensor) -> None:
    weight[0], weight[1], bias[1] = 0, 0, 0
    weight[2] *= 1e-12
    bias[3] *= 1000


EVEN = images(8, 12)
CASES = [
    case("a convolution", lambda: conv(3, 6, 3)),
    case("padding with zero", lambda: conv(3, 6, 3, padding=1), lambda: conv(6, 6, 3, padding=1)),
    case("stride 2, odd sizes", lambda: conv(3, 6, 3, 2, padding=1), lambda: conv(6, 6, 3, 2, padding=1)),
    case("stride 2, even sizes", lambda: conv(3, 6, 3, 2, padding=1), lambda: conv(6, 4, 3, 2, padding=1), x=EVEN),
    between("dilation", lambda: conv(6, 6, 3, padding=2, dilation=2)),
    between("depthwise", lambda: conv(6, 6, 3, padding=1, groups=6)),
    between("depthwise, dilated, stride 2", lambda: conv(6, 6, 3, 2, padding=3, dilation=3, groups=6), x=EVEN),
    between("depthwise, several filters per channel", lambda: conv(6, 12, 3, groups=6), 12),
    between("groups", lambda: conv(6, 9, 3, padding=1, groups=3), 9),
    between("dead channels, tiny and large ones", lambda: with_weights(conv(6, 6), dead_and_tiny)),
    between("ReLU", nn.ReLU),
    between("ReLU6", lambda: nn.Sequential(with_weights(conv(6, 6), lambda w, b: w.mul_(30)), nn.ReLU6())),
    between("ReLU that others read too", function(lambda x: torch.cat((x.relu(), x), 1)), 12),
    between("two branches before their ReLUs",
            function(lambda x, a, b: _sum(a(x), b(x)), lambda: conv(6, 6), lambda: conv(6, 6, bias=False))),
    between("max pool", lambda: nn.MaxPool2d(2)),
    between("max pool with padding", lambda: nn.MaxPool2d(3, 2, padding=1), x=EVEN),
    between("max pool with a padding of its own", lambda: nn.MaxPool2d(2, 2, padding=1), x=EVEN),
    between("concatenation of different ranges", function(lambda x, a: torch.cat((x, a(x).relu()), 1), lambda:
            with_weights(conv(6, 2), lambda w, b: w.mul_(20))), 8),
    between("concatenation with what is in float", function(lambda x: torch.cat((x, x.exp()), 1)), 12, on_codes=False),
    between("blocks that pass halves on", lambda: nn.Sequential(*(_shuffle_block() for _ in range(3)))),
    between("parts", function(lambda x: torch.cat(x.split([1, 3, 2], 1)[::-1], 1))),
    between("a slice", function(lambda x: x[:, 2:, 1:, :-1]), 4),
    between("exchange of rows and columns", function(lambda x: x.transpose(2, 3))),
    between("a view of another shape", function(lambda x: x.view(1, 6, 7, 9))),
    between("pixel shuffle", function(lambda x: F.pixel_shuffle(x[:, :4], 2)), 1),
    between("nearest", lambda: nn.Upsample(scale_factor=2.0)),
    between("sum", function(lambda x, a: x + a(x), lambda: conv(6, 6, 3, padding=1))),
    between("sum of different ranges", function(lambda x, a: x + a(x), lambda:
            with_weights(conv(6, 6), lambda w, b: w.mul_(40)))),
    between("sum and ReLU", function(lambda x, a: (x + a(x)).relu(), lambda: conv(6, 6))),
    between("gate per position", function(lambda x, a: x * a(x).sigmoid(), lambda: conv(6, 6))),
    between("gate per channel",
            function(lambda x, a: x * a(x.mean((2, 3), keepdim=True)).sigmoid(), lambda: conv(6, 6)), on_codes=False),
    between("square and ReLU6", function(lambda x: F.relu6(x * x))),
    *(between(f"leaky ReLU {slope}", lambda slope=slope: nn.LeakyReLU(slope)) for slope in (0.01, 0.1, 0.3)),
    *(between(type(part).__name__, lambda part=part: part, on_codes=False) for part in (
        nn.PReLU(6, 0.3), nn.SiLU(), nn.Mish(), nn.Tanh(), nn.ELU(), nn.Hardtanh(), nn.AvgPool2d(2), nn.Softmax(1),
        nn.Upsample((11, 5), mode="bilinear", align_corners=True), nn.Upsample((13, 5), mode="bilinear"),
        nn.BatchNorm2d(6), nn.PReLU(),
    )),
    between("numbers", function(lambda x: (2 * x + 1) / 3), on_codes=False),
    case("results in float", lambda: conv(3, 6), function(lambda x: (x[:, :2].sigmoid(), x[:, 2:].softmax(1)))),
    case("results in codes", lambda: conv(3, 6), nn.ReLU),
]  # fmt: skip


def _sum(a: Tensor, b: Tensor) -> Tensor:
    return a.relu() + b.relu()


def _shuffle_block() -> nn.Module:
    def forward(x: Tensor, branch: nn.Module) -> Tensor:
        passed, changed = x.chunk(2, 1)
        return F.channel_shuffle(torch.cat((passed, branch(changed).relu()), 1), 3)

    return Apply(forward, conv(3, 3, 3, padding=1))
