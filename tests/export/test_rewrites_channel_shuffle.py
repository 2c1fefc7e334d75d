"""Channel shuffles are recognised, whoever wrote them and however, and can be written out again."""

import pytest
import torch
from rewriting import operations, rewritten
from torch import Tensor, fx, nn

from edgewright_export.rewrites.channel_shuffle import expand_channel_shuffles, join_channel_shuffles
from edgewright_train.models.edgenets_blocks import ChannelShuffle

X = torch.randn(2, 12, 5, 4)


class EvenAndOdd(nn.Module):
    """As YOLO-FastestV2 shuffles."""

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        return x.view(batch, channels // 2, 2, height, width).transpose(2, 1).reshape(x.shape)


@pytest.mark.parametrize("module", [ChannelShuffle(3), EvenAndOdd(), nn.ChannelShuffle(4)])
def test_a_shuffle_is_one_operation_and_three_when_written_out(module: nn.Module) -> None:
    assert operations(rewritten(module, join_channel_shuffles, X)) == ["channel_shuffle"]

    def there_and_back(graph_module: fx.GraphModule) -> None:
        join_channel_shuffles(graph_module)
        expand_channel_shuffles(graph_module)

    assert operations(rewritten(module, there_and_back, X)) == ["view", "transpose", "reshape"]


class Lookalike(nn.Module):
    """Exchanges other axes of a view, or comes back to another shape."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        batch, channels, height, width = x.shape
        grouped = x.view(batch, 3, channels // 3, height, width)
        halves = x.view(batch, 3, channels // 3, height * width, 1)
        return (
            grouped.transpose(1, 3).reshape(x.shape),
            grouped.transpose(1, 2).reshape(batch, channels, width, height),
            halves.transpose(1, 2).reshape(x.shape),
        )


def test_what_only_looks_like_one_is_left_alone() -> None:
    assert "channel_shuffle" not in operations(rewritten(Lookalike(), join_channel_shuffles, X))
