"""Training batches, the same for a seed whatever the number of workers, and from any step on.

Workers are threads: decoding, warping and colour run in OpenCV, which lets the interpreter go (docs/training.md has
the measurement against processes), and a cache of decoded images is shared for nothing.
"""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..models.architecture import Task
from ..processes.group import ALONE, Place
from .augmentation.geometry import SizeWh
from .augmentation.multi_scale import draw_size
from .augmentation.settings import ONE_SCALE, Augmentation
from .dataset import Dataset
from .samples import SAMPLERS, Sample

_BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Batch:
    """`images`: (N, 3, H, W) uint8 BGR, channels last in memory.  `targets`: see `SAMPLERS` of the task."""

    images: Tensor
    targets: Tensor


@dataclass(frozen=True, kw_only=True)
class Loader:
    """Shuffled batches of `batch_size`; the remainder of an epoch is dropped (batch norm wants whole batches).

    Attributes:
        batch_size: images per step, over all processes.
        place: of the process, which prepares its share of every batch.
        num_parts: in which that share comes; `batch_size` is a multiple of processes times parts.
        num_epochs: of the training; for what its last epochs leave out.
        size_multiple: of the network; for training at several sizes.
    """

    dataset: Dataset
    size_wh: tuple[int, int]
    augmentation: Augmentation
    batch_size: int
    seed: int
    num_workers: int
    task: Task = "detect"
    place: Place = ALONE
    num_parts: int = 1
    num_epochs: int = 1
    size_multiple: int = 32

    @property
    def steps_per_epoch(self) -> int:
        return len(self.dataset) // self.batch_size

    def batches(self, first_step: int, num_steps: int) -> Generator[list[Batch], None, None]:
        """The parts of steps `first_step` to `num_steps` - 1, prepared ahead; close it when leaving early."""
        with ThreadPoolExecutor(self.num_workers, thread_name_prefix="loader") as workers:
            waiting: deque[list[Future[Sample]]] = deque()
            try:
                for step in range(first_step, num_steps + _BATCHES_AHEAD):
                    if step < num_steps:
                        size_wh = self._size_wh(step)
                        waiting.append([workers.submit(self._sample, *key, size_wh) for key in self._keys(step)])
                    if len(waiting) > _BATCHES_AHEAD or (step >= num_steps and waiting):
                        yield self._parts([future.result() for future in waiting.popleft()])
            finally:
                for future in (future for samples in waiting for future in samples):
                    future.cancel()

    def _keys(self, step: int) -> list[tuple[int, int]]:
        """(epoch, index of the image) of every sample of a step that this process prepares."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.dataset))
        first = position * self.batch_size
        return [(epoch, index) for index in self.place.share(order[first : first + self.batch_size].tolist())]

    def _size_wh(self, step: int) -> SizeWh:
        factors = self.augmentation.multi_scale
        if factors == ONE_SCALE:
            return self.size_wh
        rng = np.random.default_rng((self.seed, step, 0, 1))  # the 1 keeps it apart from the samples'
        return draw_size(self.size_wh, factors, self.size_multiple, rng)

    def _sample(self, epoch: int, index: int, size_wh: SizeWh) -> Sample:
        rng = np.random.default_rng((self.seed, epoch, index))
        augmentation = self.augmentation.at(epoch, self.num_epochs)
        return SAMPLERS[self.task].sample(self.dataset, index, augmentation, size_wh, rng)

    def _parts(self, samples: list[Sample]) -> list[Batch]:
        size = len(samples) // self.num_parts
        return [self._collate(samples[first : first + size]) for first in range(0, len(samples), size)]

    def _collate(self, samples: list[Sample]) -> Batch:
        images = torch.from_numpy(np.stack([image for image, _ in samples])).permute(0, 3, 1, 2)
        return Batch(images, SAMPLERS[self.task].collate([truth for _, truth in samples]))
