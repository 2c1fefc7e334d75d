"""A 1x1 convolution behind an upsampling is computed before it: fewer multiplications, the same result."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rewriting import operations, rewritten
from torch import Tensor, fx, nn

from edgewright_export.rewrites.hoist_pointwise import hoist_pointwise_convolutions


def up(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0)


def smooth(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Pyramid(nn.Module):
    """A convolution of upsampled and of other maps, in any order."""

    def __init__(
        self, kinds: str, width: int, *, bias: bool = True, kernel: int = 1, enlarge: Callable[[Tensor], Tensor] = up
    ) -> None:
        super().__init__()
        self.kinds, self.enlarge = kinds, enlarge
        self.small = nn.ModuleList(nn.Conv2d(3, width, 2, stride=2) for _ in kinds)
        self.large = nn.ModuleList(nn.Conv2d(3, width, 1) for _ in kinds)
        self.conv = nn.Conv2d(width * len(kinds), 6, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        layers = zip(self.kinds, self.small, self.large, strict=True)
        maps = [self.enlarge(small(x)) if kind == "u" else large(x) for kind, small, large in layers]
        return self.conv(torch.cat(maps, 1) if len(maps) > 1 else maps[0]).relu()


def costs(module: nn.Module) -> tuple[int, int]:
    """Multiplications before and after; the rewritten graph computes the same."""

    def nothing(_: fx.GraphModule) -> None:
        """Leaves the graph."""

    x = torch.randn(2, 3, 8, 12)
    before, after = (rewritten(module, change, x) for change in (nothing, hoist_pointwise_convolutions))
    return _multiplications(before), _multiplications(after)


def _multiplications(graph_module: fx.GraphModule) -> int:
    convolutions = graph_module.graph.find_nodes(op="call_function", target=torch.ops.aten.conv2d.default)
    return sum(node.meta["val"].numel() * node.args[1].meta["val"][0].numel() for node in convolutions)


@given(
    st.text("ul", min_size=1, max_size=4).filter(lambda kinds: "u" in kinds),
    st.booleans(),
    st.sampled_from((up, smooth)),
)
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
def test_any_mixture_of_maps_takes_fewer_multiplications(
    kinds: str, bias: bool, enlarge: Callable[[Tensor], Tensor]
) -> None:
    before, after = costs(Pyramid(kinds, 24, bias=bias, enlarge=enlarge))
    assert before - after == 2 * 8 * 12 * 6 * 24 * kinds.count("u") * 3 // 4


@pytest.mark.parametrize(
    "module",
    [Pyramid("ul", 24, kernel=3), Pyramid("ul", 12), Pyramid("ll", 24)],
    ids=["3x3", "too narrow", "no upsampling"],
)
def test_what_would_cost_more_or_something_else_is_left_alone(module: nn.Module) -> None:
    before, after = costs(module)
    assert before == after


def test_the_sum_is_of_small_maps_enlarged() -> None:
    graph = rewritten(Pyramid("ul", 24), hoist_pointwise_convolutions, torch.randn(2, 3, 8, 12))
    assert sorted(operations(graph)) == sorted(["conv2d"] * 4 + ["upsample_nearest2d", "add", "relu"])
