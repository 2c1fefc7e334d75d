"""An exponential moving average of the weights: what is evaluated, and what is kept as the best.

Source: Polyak & Juditsky 1992; the ramp is that of ultralytics/yolov5.
"""

import math
from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage:
    """`network` holds the averages of all floating-point weights and statistics, in eval mode."""

    def __init__(self, network: nn.Module, *, decay: float, ramp_steps: int) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._decay, self._ramp_steps = decay, ramp_steps
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    def decay(self, step: int) -> float:
        """Share of the old average that stays at the `step`-th update (from 1): low at first, then `decay`."""
        return self._decay * (1 - math.exp(-step / self._ramp_steps)) if self._ramp_steps else self._decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` steps."""
        averages, values = zip(*self._floats, strict=True)
        torch._foreach_lerp_(averages, values, 1 - self.decay(step))
        for counter, value in self._counters:
            counter.copy_(value)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
