"""Shuffles that gather every second channel become shuffles that interleave halves, whatever the chain of blocks."""

import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rewriting import rewritten
from torch import Tensor, fx, nn

from edgewright_export.rewrites.channel_shuffle import join_channel_shuffles
from edgewright_export.rewrites.interleave_shuffles import interleave_shuffles
from edgewright_train.models.yolo_fastestv2 import BasicBlock, DownBlock


class _Sum(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.last = nn.Conv2d(2 * channels, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.cat((x + x.relu(), x), 1))


LATER = {
    "convolution": lambda c: nn.Conv2d(c, 5, 3),
    "two readers, one depthwise": lambda c: DownBlock(c, 2 * c),
    "pooled, upsampled, activated": lambda c: nn.Sequential(
        nn.MaxPool2d(3, 2, padding=1), nn.Upsample(scale_factor=2), nn.Hardswish(), nn.Conv2d(c, 3, 1)
    ),
    "sum with itself, joined": _Sum,
}


class Stage(nn.Module):
    """A stage of YOLO-FastestV2 without its norms, and what reads it."""

    def __init__(self, half: int, blocks: int, later: nn.Module, first: nn.Module | None = None) -> None:
        super().__init__()
        self.first = first or DownBlock(half, 2 * half)
        self.blocks, self.later = nn.Sequential(*(BasicBlock(2 * half) for _ in range(blocks))), later
        for module in self.modules():
            for name, child in module.named_children():
                if isinstance(child, nn.BatchNorm2d):
                    setattr(module, name, nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return self.later(self.blocks(self.first(x)))


def groups(stage: nn.Module, channels: int) -> list[int]:
    """Of every shuffle, after the rewrite."""

    def change(graph_module: fx.GraphModule) -> None:
        join_channel_shuffles(graph_module)
        graph_module.graph.eliminate_dead_code()
        interleave_shuffles(graph_module)

    graph = rewritten(stage, change, torch.randn(2, channels, 12, 8)).graph
    return [
        node.args[1] for node in graph.find_nodes(op="call_function", target=torch.ops.aten.channel_shuffle.default)
    ]


@given(st.integers(2, 14).map(lambda n: 2 * n), st.integers(1, 8), st.sampled_from(sorted(LATER)))
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
def test_any_number_of_blocks_of_any_even_width_computes_the_same(half: int, blocks: int, later: str) -> None:
    assert groups(Stage(half, blocks, LATER[later](2 * half)), half) == [2] * blocks


def test_two_stages_in_a_row_are_both_rewritten() -> None:
    second = Stage(16, 3, nn.Conv2d(32, 3, 1), first=DownBlock(16, 32))
    assert groups(Stage(8, 2, second), 8) == [2] * 5


def _stays(stage: nn.Module, half: int, count: int) -> bool:
    return groups(stage, half) == [half] * count


def test_an_output_that_shows_the_order_leaves_the_chain_alone() -> None:
    assert _stays(Stage(8, 2, nn.Identity()), 8, 2)
    assert _stays(Stage(8, 2, nn.Softmax(1)), 8, 2)
    assert _stays(Stage(8, 2, nn.Conv2d(16, 16, 1, groups=4)), 8, 2)
    assert _stays(Stage(8, 2, nn.GroupNorm(4, 16)), 8, 2)


class _Pair(nn.Module):
    """What comes before: both halves of one value, or values that something else reads too."""

    def __init__(self, *, shared: bool) -> None:
        super().__init__()
        self.a, self.b, self.shared = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1, groups=8), shared

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x).relu()
        return torch.cat((a, a.sin() if self.shared else self.b(x)), 1)


def test_channels_that_cannot_be_given_in_another_order_leave_the_chain_alone() -> None:
    for shared in (False, True):
        assert _stays(Stage(8, 2, nn.Conv2d(16, 3, 1), first=_Pair(shared=shared)), 8, 2)


def test_an_odd_half_is_left_alone() -> None:
    assert _stays(Stage(7, 1, nn.Conv2d(14, 3, 1)), 7, 1)
