"""Resampling to given sizes becomes what every target runs, and computes the same."""

import pytest
import torch
from rewriting import operations, rewritten
from torch import Tensor, fx, nn
from torch.nn import functional as F

from edgewright_export.rewrites.exchange import cancel_exchanges
from edgewright_export.rewrites.fix_resampling import fix_resampling
from edgewright_train.models.dicenet import AxisConvolution

MATRIX = ["transpose", "conv2d", "transpose"]


class Resize(nn.Module):
    def __init__(self, method: str, *size_hw: int) -> None:
        super().__init__()
        self.method, self.size_hw = method, size_hw

    def forward(self, x: Tensor) -> Tensor:
        if self.method == "average":
            return F.adaptive_avg_pool2d(x, self.size_hw)
        return F.interpolate(x, self.size_hw, mode="bilinear", align_corners=True)


@pytest.mark.parametrize(
    ("from_hw", "to_hw", "expected"),
    [
        ((12, 16), (12, 16), []),
        ((12, 16), (1, 1), ["mean"]),
        ((12, 16), (6, 4), ["avg_pool2d"]),
        ((12, 16), (1, 16), ["avg_pool2d"]),
        ((24, 12), (16, 8), ["conv2d", "pixel_shuffle"]),  # 3 to 2
        ((10, 5), (6, 3), ["conv2d", "pixel_shuffle"]),  # 5 to 3
        ((16, 64), (5, 7), ["avg_pool2d"]),  # windows of 4 and 10, 3 and 9 apart
        ((8, 16), (7, 16), ["avg_pool2d"]),  # of 2, 1 apart
        ((24, 12), (16, 5), 2 * MATRIX),
        ((18, 16), (5, 16), MATRIX),
        ((17, 32), (17, 5), MATRIX),
        ((10, 10), (8, 8), 2 * MATRIX),  # 5 to 4: sixteen filters per channel are too many
    ],
)
def test_average_pooling_takes_the_form_that_its_sizes_allow(
    from_hw: tuple[int, int], to_hw: tuple[int, int], expected: list[str]
) -> None:
    graph = rewritten(Resize("average", *to_hw), fix_resampling, torch.randn(2, 6, *from_hw))
    assert operations(graph) == expected


def test_interpolation_stays_unless_one_of_the_sizes_does() -> None:
    x = torch.randn(1, 4, 6, 8)
    assert operations(rewritten(Resize("bilinear", 9, 11), fix_resampling, x)) == ["upsample_bilinear2d"]
    assert operations(rewritten(Resize("bilinear", 9, 8), fix_resampling, x)) == MATRIX
    assert operations(rewritten(Resize("bilinear", 6, 8), fix_resampling, x)) == []


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("size_hw", [(9, 9), (7, 12), (5, 5), (10, 7)])
def test_resampling_of_an_axis_beside_its_exchange_is_a_convolution(axis: int, size_hw: tuple[int, int]) -> None:
    def change(graph_module: fx.GraphModule) -> None:
        fix_resampling(graph_module)
        cancel_exchanges(graph_module)

    found = operations(rewritten(AxisConvolution(axis, 7), change, torch.randn(1, 6, *size_hw)))
    num_convolutions = 1 if size_hw[axis - 2] == 7 else 3
    assert found == ["transpose", *["conv2d"] * num_convolutions, "transpose"]


class Exchanges(nn.Module):
    """Of one axis twice, and of two axes, which do not undo each other."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.transpose(1, 3).transpose(3, 1) * 2, x.transpose(1, 2).transpose(1, 3)


def test_only_exchanges_that_undo_each_other_cancel_out() -> None:
    graph = rewritten(Exchanges(), cancel_exchanges, torch.randn(1, 6, 8, 8))
    assert operations(graph) == ["mul", "transpose", "transpose"]
