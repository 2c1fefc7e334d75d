"""Measure a segmenter on a labelled data set, or label maps that were made elsewhere."""

import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ...data.dataset import SegmentationDataset
from ...processes.group import in_total
from ..evaluation import Measured, Progress, each_result
from ..sample import Samples
from .decode import LabelMap
from .metric import Overlap, OverlapCount

Predict = Callable[[NDArray[np.uint8]], LabelMap]  # (H, W, 3) BGR -> label map of any size


def evaluate(predict: Predict, dataset: SegmentationDataset, *, progress: Progress | None = None) -> Measured:
    """Every image once, in order."""
    start = time.perf_counter()
    samples = Samples[LabelMap](len(dataset))
    metrics = _metrics(samples.kept(each_result(predict, dataset, progress)), dataset)
    return Measured(metrics, len(dataset), time.perf_counter() - start, samples.all)


def score(results: Iterable[LabelMap], dataset: SegmentationDataset, *, seconds: float) -> Measured:
    """Label maps of every image, in the data set's order and of any size, that took `seconds` to make."""
    return Measured(_metrics(zip(range(len(dataset)), results, strict=True), dataset), len(dataset), seconds)


def _metrics(results: Iterable[tuple[int, LabelMap]], dataset: SegmentationDataset) -> Overlap:
    """Compared at the size of the stored mask, so that thin things count as they were drawn."""
    count = OverlapCount(dataset.labels)
    for index, result in results:
        truth = dataset.label_map(index)
        height, width = truth.shape
        count.update(truth, result.scaled((width, height)).labels)
    return count.metrics(in_total)
