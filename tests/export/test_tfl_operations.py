"""Every operation that is written to a TFLite file, run by LiteRT, against torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from rewriting import settle_norms
from torch import Tensor, nn
from torch.nn import functional as F

from edgewright_export.capture import runnable
from edgewright_export.tfl import translate
from edgewright_export.tfl.operations import OPERATIONS
from edgewright_train.errors import CheckError

torch.manual_seed(0)
IMAGE = torch.randn(1, 6, 9, 7)
EVEN = torch.randn(1, 6, 8, 12)
WIDE = torch.randn(1, 6, 4, 4) * 30


class Apply(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


@dataclass(frozen=True)
class Case:
    name: str
    module: nn.Module
    x: Tensor


def case(name: str, module: nn.Module | Callable[[Tensor], Tensor], x: Tensor = IMAGE) -> Case:
    torch.manual_seed(0)
    return Case(name, module if isinstance(module, nn.Module) else Apply(module), x)


def shuffled(x: Tensor, groups: int) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def relu_and_plain(x: Tensor) -> Tensor:
    y = x + 1
    return torch.cat((y.relu(), y), 1)


PER_CHANNEL, PER_POSITION = torch.randn(1, 6, 1, 1), torch.randn(1, 1, 9, 7)
CASES = [
    case("a convolution", nn.Conv2d(6, 4, 3)),
    case("a convolution that keeps the size", nn.Conv2d(6, 4, 3, padding=1, bias=False)),
    case("stride 2 on odd sizes", nn.Conv2d(6, 4, 3, 2, padding=1)),
    case("stride 2 on even sizes", nn.Conv2d(6, 4, 3, 2, padding=1), EVEN),
    case("a kernel that is not square", nn.Conv2d(6, 4, (3, 1), (1, 2), padding=(1, 0))),
    case("padding beyond the window", nn.Conv2d(6, 4, 1, padding=1)),
    case("dilation", nn.Conv2d(6, 4, 3, padding=2, dilation=2)),
    case("an odd number of groups", nn.Conv2d(6, 9, 3, padding=1, groups=3)),
    case("depthwise", nn.Conv2d(6, 6, 3, padding=1, groups=6)),
    case("depthwise, dilated, stride 2", nn.Conv2d(6, 6, 3, 2, padding=3, dilation=3, groups=6), EVEN),
    case("depthwise with several filters per channel", nn.Conv2d(6, 12, 3, groups=6)),
    case("a convolution and the ReLU behind it", nn.Sequential(nn.Conv2d(6, 4, 3), nn.ReLU())),
    case("a map that ReLU and others read", relu_and_plain),
    case("batch norm", settle_norms(nn.BatchNorm2d(6))),
    case("batch norm without scales", settle_norms(nn.BatchNorm2d(6, affine=False, eps=1e-3))),
    case("max pool", nn.MaxPool2d(3, 2, padding=1)),
    case("max pool of negatives", nn.Sequential(nn.Hardtanh(-9, -1), nn.MaxPool2d(2, 2, padding=1)), EVEN),
    case("max pool that keeps the size", nn.MaxPool2d(5, 1, padding=2)),
    case("average pool", nn.AvgPool2d(2)),
    case("average pool that counts the padding", nn.AvgPool2d(3, 2, padding=1), EVEN),
    case("average pool that does not", nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), EVEN),
    case("average pool that keeps the size", nn.AvgPool2d(3, 1, padding=1)),
    case("average pool that keeps the size, padding left out", nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
    case("mean", lambda x: x.mean((2, 3), keepdim=True)),
    case("sum and maximum over channels", lambda x: x.sum(1, keepdim=True) - x.amax(1, keepdim=True)),
    case("bilinear between corners", lambda x: F.interpolate(x, (13, 11), mode="bilinear", align_corners=True)),
    case("bilinear between centres", lambda x: F.interpolate(x, (13, 11), mode="bilinear")),
    case("nearest by a factor", nn.Upsample(scale_factor=2.0)),
    case("nearest to a size", lambda x: F.interpolate(x, (13, 5))),
    case("numbers", lambda x: (1 - (2 * x + 1) / 3 - 0.5).clamp(-1, 2)),
    case("one-sided clamps", lambda x: x.clamp(min=-0.5) * x.clamp(max=0.5)),
    case("a number per channel and per position", lambda x: x * PER_CHANNEL + PER_POSITION),
    case("maps of each other", lambda x: (x - x.mean((2, 3), keepdim=True)) / (x * x + 1)),
    case("exponential and floor", lambda x: torch.exp(x) + torch.floor(x)),
    case("PReLU", nn.PReLU(6, 0.3)),
    case("PReLU with one slope", nn.PReLU()),
    case("leaky ReLU", nn.LeakyReLU(0.1)),
    *(case(type(m).__name__, m, WIDE) for m in (
        nn.ReLU(), nn.ReLU6(), nn.Sigmoid(), nn.SiLU(), nn.Mish(), nn.ELU(), nn.ELU(0.5), nn.SELU(), nn.Tanh(),
        nn.Hardtanh(), nn.Hardtanh(0, 6), nn.GELU(), nn.GELU("tanh"), nn.Softmax(1),
    )),
    case("concatenation", lambda x: torch.cat((x, -x[:, :2]), 1)),
    case("ReLU6 as a function", F.relu6, WIDE),
    case("ReLU of a concatenation", lambda x: torch.cat((x, -x), 1).relu()),
    case("concatenation of columns", lambda x: torch.cat((x, x[..., -1:]), 3)),
    case("parts", lambda x: torch.cat(x.split([1, 3, 2], 1)[::-1], 1)),
    case("parts of one size, the last smaller", lambda x: torch.cat(x.split(4, 2)[::-1], 2)),
    case("halves", lambda x: torch.cat(x.chunk(2, 1)[::-1], 1)),
    case("exchange", lambda x: x.transpose(1, 2) * 2),
    case("permutation", lambda x: x.permute(0, 3, 1, 2) * 2),
    case("channel shuffle", nn.ChannelShuffle(3)),
    case("channel shuffle by hand", lambda x: shuffled(x, 2)),
    case("pixel shuffle", nn.PixelShuffle(2), torch.randn(1, 12, 3, 5)),
    case("a view of another shape", lambda x: x.view(1, 3, 14, 9) * 2),
    case("a pooled map, flat and back", lambda x: x.mean((2, 3), keepdim=True).reshape(1, 6).view(1, 3, 2, 1)),
]  # fmt: skip


def export(module: nn.Module, x: Tensor) -> Any:
    return torch.export.export(module.eval(), (torch.zeros_like(x),))


def run(path: Path, x: Tensor) -> np.ndarray[Any, Any]:
    """Channels last in and, for rank 4, out."""
    runner = Interpreter(model_path=str(path), num_threads=1).get_signature_runner()
    return runner(image=np.ascontiguousarray(x.permute(0, 2, 3, 1)))["y"]


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_an_operation_computes_what_torch_computes(one: Case, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    translate(export(one.module, one.x), path, input_name="image", output_names=["y"], half_weights=False)
    with torch.no_grad():
        expected = one.module(one.x).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(run(path, one.x), expected, rtol=1e-5, atol=2e-6)


def test_every_operation_has_a_case() -> None:
    used = {node.target for one in CASES for node in runnable(export(one.module, one.x)).graph.nodes}
    assert {str(operation) for operation in OPERATIONS} <= {str(target) for target in used}


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    exported = export(Apply(lambda x: torch.cumsum(x.abs(), 1)), IMAGE)
    with pytest.raises(CheckError, match=r"tflite: no translation of aten\.abs\.default, aten\.cumsum\.default"):
        translate(exported, tmp_path / "y", input_name="image", output_names=["y"], half_weights=False)


@pytest.mark.parametrize(
    "module", [nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(2, divisor_override=3), Apply(lambda x: x[:, ::2])]
)
def test_what_the_format_cannot_say_is_refused(module: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="tflite: "):
        translate(export(module, IMAGE), tmp_path / "y", input_name="image", output_names=["y"], half_weights=False)


def test_half_weights_halve_the_file_and_round_the_weights_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(6, 64, 3), nn.Conv2d(64, 64, 3, groups=64), nn.PReLU(64))
    paths = {half: tmp_path / f"{half}.tflite" for half in (False, True)}
    for half, path in paths.items():
        translate(export(module, IMAGE), path, input_name="image", output_names=["y"], half_weights=half)
    assert paths[True].stat().st_size < 0.7 * paths[False].stat().st_size
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.half().float()
    expected = module(IMAGE).detach().permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(run(paths[True], IMAGE), expected, rtol=1e-5, atol=1e-6)


def test_data_lies_at_multiples_of_16_bytes(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    path = tmp_path / "model.tflite"
    translate(export(CASES[0].module, IMAGE), path, input_name="image", output_names=["y"], half_weights=False)
    file = path.read_bytes()
    buffers = [schema.Model.GetRootAs(file, 0).Buffers(index) for index in range(3)]
    base = np.frombuffer(file, np.uint8).ctypes.data
    places = [buffer.DataAsNumpy().ctypes.data - base for buffer in buffers[1:]]  # the first is empty
    assert [place % 16 for place in places] == [0, 0]
