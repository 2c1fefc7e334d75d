"""The processes of one training and what they tell each other; a training in one process is a group of one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Of this process in its group.  Process 0 writes the run folder."""

    rank: int
    count: int

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Of a batch, in order; its length must be a multiple of `count`."""
        size = len(items) // self.count
        return items[self.rank * size : (self.rank + 1) * size]


ALONE = Place(0, 1)


def place() -> Place:
    """Where this process stands."""
    return Place(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else ALONE


def is_worker() -> bool:
    """Whether torchrun, or our own launcher, started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_first() -> bool:
    """Whether this is the process that tells the user, also outside `joined`."""
    return os.environ.get("RANK", "0") == "0" or not is_worker()


def is_restart() -> bool:
    """Whether the group was started again because a process of it was lost."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


@contextmanager
def joined(device: torch.device) -> Iterator[Place]:
    """Within, a worker belongs to its group; any other process is alone."""
    if not is_worker():
        yield ALONE
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield place()
    finally:
        dist.destroy_process_group()


def over_batch(partial: Tensor) -> Tensor:
    """The sum over the whole batch, from this process's part of it.

    Gradients are averaged over processes; the factor here makes the average that of the whole batch, so that a loss
    which is a ratio of such sums has the value and the gradients it has in one process.
    """
    count = place().count
    if count == 1:
        return partial
    everyone = partial.detach().clone()
    dist.all_reduce(everyone)
    return everyone + count * (partial - partial.detach())


def any_process(flag: bool) -> bool:
    """Whether it is set in one of them."""
    if place().count == 1:
        return flag
    told = torch.tensor(float(flag), device=_device())
    dist.all_reduce(told)
    return bool(told)


def in_order(own: Sequence[T]) -> list[T]:
    """What every process made of each `count`-th item from its rank on, for all of the items, in their order."""
    count = place().count
    if count == 1:
        return list(own)
    parts: list[list[T]] = [[] for _ in range(count)]
    dist.all_gather_object(parts, list(own))
    return [parts[index % count][index // count] for index in range(sum(map(len, parts)))]


def in_total(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """What all processes counted."""
    if place().count == 1:
        return counts.copy()
    total = torch.tensor(counts, device=_device())
    dist.all_reduce(total)
    return total.cpu().numpy()


def take_from_first(module: nn.Module) -> None:
    """Weights and statistics of process 0, in all of them."""
    if place().count > 1:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
