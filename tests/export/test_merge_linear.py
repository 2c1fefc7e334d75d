"""Merging linear 1x1 convolutions changes the cost, not the result."""

import copy

import torch
from torch import Tensor, fx, nn

from edgewright_export.merge_linear import merge_linear_convolutions


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


def merged_heads(width: int = 16) -> tuple[nn.Module, fx.GraphModule]:
    torch.manual_seed(0)
    heads = Heads(width)
    return heads, merge_linear_convolutions(fx.symbolic_trace(copy.deepcopy(heads)))


def num_convolutions(module: nn.Module) -> int:
    return sum(isinstance(m, nn.Conv2d) for m in module.modules())


def test_the_result_is_the_same_and_the_linear_layer_is_gone() -> None:
    heads, merged = merged_heads()
    x = torch.randn(2, 8, 5, 7)
    for a, b in zip(heads(x), merged(x), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    assert "linear" not in dict(merged.named_modules())


def test_a_layer_that_another_reader_needs_is_kept() -> None:
    _, merged = merged_heads()
    assert "other" in dict(merged.named_modules())  # its ReLU reader is not a convolution


def test_nothing_is_merged_where_it_would_cost_more() -> None:
    bottleneck = nn.Sequential(nn.Conv2d(64, 4, 1), nn.Conv2d(4, 64, 1))
    merged = merge_linear_convolutions(fx.symbolic_trace(bottleneck))
    assert num_convolutions(merged) == 2
