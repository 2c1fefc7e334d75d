"""Batch norms disappear into convolutions of every kind, and only there."""

import pytest
import torch
from rewriting import operations, rewritten, settle_norms
from torch import Tensor, nn

from edgewright_export.rewrites.fold_batch_norm import fold_batch_norms

X = torch.randn(2, 8, 9, 7)


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(8, 6, 3, bias=False),
        nn.Conv2d(8, 6, 3, stride=2, padding=1),
        nn.Conv2d(8, 12, 1, groups=4, bias=False),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8),
        nn.Conv2d(8, 16, (3, 1), padding=(1, 0), groups=2),
    ],
)
@pytest.mark.parametrize("affine", [True, False])
def test_a_norm_after_a_convolution_is_folded(convolution: nn.Conv2d, affine: bool) -> None:
    norm = nn.BatchNorm2d(convolution.out_channels, affine=affine, eps=1e-3)
    graph = rewritten(settle_norms(nn.Sequential(convolution, norm, nn.PReLU())), fold_batch_norms, X)
    assert operations(graph) == ["conv2d", "prelu"]


def test_a_norm_after_anything_else_stays() -> None:
    graph = rewritten(settle_norms(nn.Sequential(nn.PReLU(8), nn.BatchNorm2d(8))), fold_batch_norms, X)
    assert operations(graph) == ["prelu", "batch_norm"]


class Shared(nn.Module):
    """One convolution whose result is also read elsewhere, and one used twice with norms of its own each time."""

    def __init__(self) -> None:
        super().__init__()
        self.read_twice, self.used_twice = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = self.read_twice(x)
        return self.norms[0](y), y, self.norms[1](self.used_twice(x)), self.norms[2](self.used_twice(y))


def test_shared_convolutions_keep_their_results() -> None:
    graph = rewritten(settle_norms(Shared()), fold_batch_norms, X)
    assert operations(graph).count("batch_norm") == 1
