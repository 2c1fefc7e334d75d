"""The recipe of YOLO-FastestV2 written down plainly (spec sections 4 to 6), to be compared with.

Contiguous tensors, its augmentation (contrast alone), torch's loader with a worker process per core and image files
read in every epoch, plain SGD with weight decay on everything.  The loss is that of edgewright: what differs is how
images get to the network and how the network is run.
"""

import os
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from ...data.dataset import DetectionDataset
from ...models import ARCHITECTURES
from ...tasks.detect.loss import Gains, detection_loss
from ..recipe import Recipe
from .shares import Shares

_ARCHITECTURE = ARCHITECTURES["yolo-fastestv2"]["detect"]
_MOST_WORKERS = 8
Sample = tuple[NDArray[np.uint8], NDArray[np.float32]]


class _Images(TorchDataset[Sample]):
    """(3, H, W) uint8 BGR and rows of class, cx, cy, w, h in 0..1."""

    def __init__(self, dataset: DetectionDataset, size_wh: tuple[int, int]) -> None:
        self._dataset, self._size_wh = dataset, size_wh

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Sample:
        annotation = self._dataset.annotation(index)
        image = cv2.resize(self._dataset.image(index), self._size_wh, interpolation=cv2.INTER_LINEAR)
        alpha, beta = np.random.uniform(0.25, 1.75, 2)
        image = cv2.addWeighted(image, alpha, np.zeros_like(image), 1 - alpha, beta)
        boxes = annotation.boxes_xyxy / np.tile((annotation.width, annotation.height), 2)
        centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        rows = np.concatenate((annotation.class_indices[:, None], centres, sides), 1).astype(np.float32)
        return np.ascontiguousarray(image.transpose(2, 0, 1)), rows


def _collate(samples: list[Sample]) -> tuple[Tensor, Tensor]:
    images, targets = zip(*samples, strict=True)
    rows = [np.insert(row, 0, index, 1) for index, row in enumerate(targets)]
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.concatenate(rows))


class PlainTrainer:
    """Trains for ever; a step is one batch."""

    def __init__(self, recipe: Recipe, dataset: DetectionDataset) -> None:
        torch.manual_seed(0)
        self.shares = Shares()
        self._network = _ARCHITECTURE.build(len(dataset.labels)).train()
        self._optimizer = torch.optim.SGD(self._network.parameters(), lr=1e-5, momentum=0.949, weight_decay=5e-4)
        self._anchors_px = torch.tensor(_ARCHITECTURE.default_anchors_px, dtype=torch.float64)
        loader = DataLoader(
            _Images(dataset, recipe.size_wh),
            batch_size=recipe.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=min(len(os.sched_getaffinity(0)), recipe.batch_size, _MOST_WORKERS),
            persistent_workers=True,
            collate_fn=_collate,
        )
        self._batches = self._forever(loader)

    @staticmethod
    def _forever(loader: "DataLoader[Sample]") -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from loader

    def step(self) -> None:
        timed = self.shares.timed
        with timed("loading"):
            images, targets = next(self._batches)
            pixels = images.float() / 255
        with timed("forward"):
            maps = self._network(pixels)
        with timed("loss"):
            gains = Gains(box=3.2, objectness=64.0, classification=32.0)
            loss = detection_loss(maps, targets, self._anchors_px, _ARCHITECTURE.strides, gains)
        with timed("backward"):
            self._optimizer.zero_grad()
            loss.total.backward()  # type: ignore[no-untyped-call]
        with timed("update"):
            self._optimizer.step()
