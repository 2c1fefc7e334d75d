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

from .augment import Augmentation, Sample, augment
from .dataset import DetectionDataset

_BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Batch:
    """`images`: (N, 3, H, W) uint8 BGR, channels last in memory.  `targets`: (T, 6) image, class, cx, cy, w, h."""

    images: Tensor
    targets: Tensor


@dataclass(frozen=True, kw_only=True)
class Loader:
    """Shuffled batches of `batch_size`; the remainder of an epoch is dropped (batch norm wants whole batches)."""

    dataset: DetectionDataset
    size_wh: tuple[int, int]
    augmentation: Augmentation
    batch_size: int
    seed: int
    num_workers: int

    @property
    def steps_per_epoch(self) -> int:
        return len(self.dataset) // self.batch_size

    def batches(self, first_step: int, num_steps: int) -> Generator[Batch, None, None]:
        """Steps `first_step` to `num_steps` - 1 of the training, prepared ahead; close it when leaving early."""
        with ThreadPoolExecutor(self.num_workers, thread_name_prefix="loader") as workers:
            waiting: deque[list[Future[Sample]]] = deque()
            try:
                for step in range(first_step, num_steps + _BATCHES_AHEAD):
                    if step < num_steps:
                        waiting.append([workers.submit(self._sample, *key) for key in self._keys(step)])
                    if len(waiting) > _BATCHES_AHEAD or (step >= num_steps and waiting):
                        yield _collate([future.result() for future in waiting.popleft()])
            finally:
                for future in (future for samples in waiting for future in samples):
                    future.cancel()

    def _keys(self, step: int) -> list[tuple[int, int]]:
        """(epoch, index of the image) of every sample of a step."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.dataset))
        first = position * self.batch_size
        return [(epoch, int(index)) for index in order[first : first + self.batch_size]]

    def _sample(self, epoch: int, index: int) -> Sample:
        annotation = self.dataset.annotation(index)
        learnt = ~annotation.is_crowd
        return augment(
            self.dataset.image(index),
            annotation.boxes_xyxy[learnt],
            annotation.class_indices[learnt],
            self.augmentation,
            self.size_wh,
            np.random.default_rng((self.seed, epoch, index)),
        )


def _collate(samples: list[Sample]) -> Batch:
    images = torch.from_numpy(np.stack([image for image, _, _ in samples])).permute(0, 3, 1, 2)
    rows = [
        np.concatenate((np.full((len(boxes), 1), number), classes[:, None], boxes), 1)
        for number, (_, boxes, classes) in enumerate(samples)
    ]
    return Batch(images, torch.from_numpy(np.concatenate(rows).astype(np.float32)))
