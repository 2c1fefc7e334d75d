"""The network as several processes train it."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .batch_norm import over_processes


def in_parallel(network: nn.Module, sync_batch_norm: bool, device: torch.device) -> nn.Module:
    """`network` itself in one process; else what also averages its gradients over all of them."""
    if not dist.is_initialized():
        return network
    if sync_batch_norm:
        over_processes(network)
    return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)
