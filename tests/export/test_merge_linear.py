"""Merging linear 1x1 convolutions changes the cost, not the result."""

import torch
from rewriting import operations, rewritten
from torch import Tensor, nn

from edgewright_export.rewrites.merge_linear import merge_linear_convolutions


class Heads(nn.Module):
    """A linear 1x1 that two outputs read, one of them shared with a second branch; a ReLU in a third."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.linear, self.other = nn.Conv2d(8, width, 1, bias=False), nn.Conv2d(8, width, 1)
        self.small, self.shared = nn.Conv2d(width, 3, 1), nn.Conv2d(width, 2, 1, bias=False)
        self.wide = nn.Conv2d(width, 64, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y, z = self.linear(x), self.other(x)
        return self.small(y), self.shared(y), self.shared(z), self.wide(z.relu())


def num_merged(module: nn.Module) -> int:
    torch.manual_seed(0)
    before = sum(name == "conv2d" for name in operations(rewritten(module, lambda _: None, torch.randn(2, 8, 5, 7))))
    graph = rewritten(module, merge_linear_convolutions, torch.randn(2, 8, 5, 7))
    return before - operations(graph).count("conv2d")


def test_a_linear_layer_disappears_and_one_that_another_reader_needs_is_kept() -> None:
    assert num_merged(Heads()) == 1  # `other` stays: its ReLU reader is not a convolution


def test_a_grouped_layer_merges_into_a_dense_one() -> None:
    assert num_merged(nn.Sequential(nn.Conv2d(8, 64, 1, groups=4, bias=False), nn.Conv2d(64, 10, 1))) == 1


def test_a_layer_before_a_grouped_one_stays() -> None:
    assert num_merged(nn.Sequential(nn.Conv2d(8, 64, 1), nn.Conv2d(64, 8, 1, groups=4))) == 0


def test_nothing_is_merged_where_it_would_cost_more() -> None:
    assert num_merged(nn.Sequential(nn.Conv2d(8, 1, 1), nn.Conv2d(1, 64, 1))) == 0
