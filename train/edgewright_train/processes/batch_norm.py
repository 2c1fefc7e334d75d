"""Batch norm over the batches of all processes.

PyTorch's own (`nn.SyncBatchNorm`) runs on GPUs only; this one runs everywhere and computes what one process would.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def over_processes(network: nn.Module) -> nn.Module:
    """`network` with every batch norm normalising over all processes; weights keep their names."""
    for child in network.children():
        if isinstance(child, nn.BatchNorm2d):
            child.__class__ = BatchNormOverProcesses
        else:
            over_processes(child)
    return network


class BatchNormOverProcesses(nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose mean and variance are those of all processes' images, which are equally many."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        count = x.numel() // x.shape[1] * dist.get_world_size()
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        mean = _Sum.apply(wide.sum((0, 2, 3))) / count  # type: ignore[no-untyped-call]
        centred = wide - mean.view(1, -1, 1, 1)
        variance = _Sum.apply(centred.square().sum((0, 2, 3))) / count  # type: ignore[no-untyped-call]
        self._remember(mean.detach(), variance.detach() * (count / (count - 1)))
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = self.bias if self.bias is not None else torch.zeros_like(mean)
        return (centred * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


class _Sum(torch.autograd.Function):
    """Over processes; what depends on the sum does so in all of them, so that its gradients are summed too."""

    @staticmethod
    def forward(ctx: Any, partial: Tensor) -> Tensor:
        total = partial.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total
