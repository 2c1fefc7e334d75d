"""What computes nothing is not in the graph."""

import torch
from rewriting import operations, rewritten
from torch import Tensor, nn

from edgewright_export.rewrites.drop_identities import drop_identities


class Idle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dropouts = nn.Sequential(nn.Dropout(0.3), nn.Dropout2d(0.3))

    def forward(self, x: Tensor) -> Tensor:
        return self.dropouts(x)[:, :] + 1


def test_dropout_and_slices_of_everything_disappear() -> None:
    assert operations(rewritten(Idle(), drop_identities, torch.randn(1, 4, 3, 3))) == ["add"]
