"""Resampling to given sizes becomes what every target runs, and computes the same."""

import pytest
import torch
from rewriting import operations, rewritten
from torch import Tensor, nn
from torch.nn import functional as F

from edgewright_export.rewrites.fix_resampling import fix_resampling
from edgewright_export.rewrites.resample_channels import resample_channels
from edgewright_train.models.dicenet import AxisConvolution


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
        ((24, 12), (16, 5), ["matmul", "matmul"]),
        ((17, 16), (5, 16), ["matmul"]),
        ((17, 16), (17, 7), ["matmul"]),
        ((10, 10), (8, 8), ["matmul", "matmul"]),  # 5 to 4: sixteen filters per channel are too many
    ],
)
def test_average_pooling_takes_the_form_that_its_sizes_allow(
    from_hw: tuple[int, int], to_hw: tuple[int, int], expected: list[str]
) -> None:
    graph = rewritten(Resize("average", *to_hw), fix_resampling, torch.randn(2, 6, *from_hw))
    assert operations(graph) == expected


def test_interpolation_stays_unless_the_size_does() -> None:
    x = torch.randn(1, 4, 6, 8)
    assert operations(rewritten(Resize("bilinear", 9, 11), fix_resampling, x)) == ["upsample_bilinear2d"]
    assert operations(rewritten(Resize("bilinear", 6, 8), fix_resampling, x)) == []


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("size_hw", [(8, 8), (7, 12), (5, 5), (10, 7)])
def test_resampling_beside_an_exchange_of_axes_is_a_convolution(axis: int, size_hw: tuple[int, int]) -> None:
    graph = rewritten(AxisConvolution(axis, 7), resample_channels, torch.randn(1, 6, *size_hw))
    resampled = size_hw[axis - 2] != 7
    found = operations(graph)
    assert found.count("conv2d") == (3 if resampled else 1)
    assert found.count("transpose") == 2
    assert not {"adaptive_avg_pool2d", "upsample_bilinear2d"} & set(found)


class ReadTwice(nn.Module):
    """The resampled rows are also an output of their own."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = F.adaptive_avg_pool2d(x, (5, x.shape[3]))
        return y.transpose(1, 2), y.relu()


class OtherAxis(nn.Module):
    """The columns are resampled, the rows change places with the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, (x.shape[2], 5)).transpose(1, 2)


@pytest.mark.parametrize("module", [ReadTwice(), OtherAxis()])
def test_other_resampling_is_left_to_the_general_form(module: nn.Module) -> None:
    assert "conv2d" not in operations(rewritten(module, resample_channels, torch.randn(1, 6, 8, 8)))
