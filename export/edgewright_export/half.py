"""A network that computes in half precision between a float32 input and float32 outputs."""

import copy

from torch import Tensor, nn


class HalfInside(nn.Module):
    """Works on a copy: the parameters of a captured graph are shared by everything made from it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).half()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(output.float() for output in self.network(image.half()))
