"""A depthwise convolution gets a wider window where NCNN's kernel in half precision is wrong, and computes the same."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rewriting import operations, rewritten
from torch import Tensor, fx, nn

from edgewright_export.ncnn_widen import WIDEN, widen_strided_depthwise
from edgewright_export.rewrites.convolution import read_convolution


class Net(nn.Module):
    """A depthwise convolution, unless told otherwise, between two others."""

    def __init__(
        self, channels: int = 8, kernel: int = 3, padding: int = 1, *, bias: bool = True, **changed: Any
    ) -> None:
        super().__init__()
        options = {"stride": 2, "dilation": 1, "groups": channels} | changed
        self.before = nn.Conv2d(3, channels, 1)
        self.strided = nn.Conv2d(channels, channels, kernel, padding=padding, bias=bias, **options)
        self.behind = nn.Conv2d(channels, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.behind(self.strided(self.before(x)).relu())
        return result


def _widened(module: nn.Module, x: Tensor) -> tuple[fx.GraphModule, tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    return rewritten(module, lambda graph: found.append(widen_strided_depthwise(graph)), x), found[0]


def _windows(graph_module: fx.GraphModule) -> list[tuple[int, ...]]:
    """Of its convolutions, with their padding."""
    found = []
    for node in graph_module.graph.find_nodes(op="call_function", target=torch.ops.aten.conv2d.default):
        convolution = read_convolution(graph_module, node)
        assert convolution is not None
        found.append((*convolution.weight.shape[2:], *convolution.padding))
    return found


@given(height=st.integers(5, 16), width=st.integers(5, 24), padding=st.integers(0, 1), bias=st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_window_is_wider_exactly_where_two_or_three_columns_are_left_over(
    height: int, width: int, padding: int, *, bias: bool
) -> None:
    """`rewritten` holds what is computed to the module; names of nodes stay."""
    net = Net(16, padding=padding, bias=bias)
    columns = (width + 2 * padding - 3) // 2 + 1
    graph_module, names = _widened(net, torch.randn(1, 3, height, width))
    wide = columns % 4 in (2, 3)
    assert _windows(graph_module)[1] == ((5, 5, padding + 1, padding + 1) if wide else (3, 3, padding, padding))
    assert names == ((WIDEN,) if wide else ())
    assert operations(graph_module) == ["conv2d", "conv2d", "relu", "conv2d"]
    assert [node.name for node in graph_module.graph.nodes if node.op == "call_function"] == [
        "conv2d", "conv2d_1", "relu", "conv2d_2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "net",
    [Net(12), Net(8, groups=1), Net(8, groups=4), Net(8, stride=1), Net(8, 5, 2), Net(8, dilation=2)],
    ids=["no multiple of 8", "dense", "grouped", "stride 1", "5x5", "dilated"],
)
def test_what_another_kernel_computes_is_left_alone(net: Net) -> None:
    for width in range(9, 17):
        x = torch.randn(1, 3, 9, width)
        before = _windows(rewritten(net, lambda graph: None, x))
        graph_module, names = _widened(net, x)
        assert (_windows(graph_module), names) == (before, ())


def test_of_layers_that_share_a_weight_only_the_wrong_one_is_widened() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.strided = nn.Conv2d(8, 8, 3, 2, 1, groups=8)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.strided(self.strided(x))  # 12 columns, then 6
            return result

    graph_module, _ = _widened(Shared(), torch.randn(1, 8, 9, 24))
    assert _windows(graph_module) == [(3, 3, 1, 1), (5, 5, 2, 2)]
