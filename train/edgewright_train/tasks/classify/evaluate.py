"""Measure a classifier on a labelled data set, or classifications that were made elsewhere."""

import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ...data.dataset import ClassificationDataset
from ...errors import InputError
from ...processes.group import in_total
from ..evaluation import Measured, Progress, each_result
from ..sample import Samples
from .decode import Classification
from .metric import Accuracy, AccuracyCount, F1Count, F1Scores

Predict = Callable[[NDArray[np.uint8]], Classification]  # (H, W, 3) BGR -> classification


def evaluate(
    predict: Predict, dataset: ClassificationDataset, *, multi_label: bool, progress: Progress | None = None
) -> Measured:
    """Every image once, in order.  `multi_label`: by F1 instead of top-1 and top-5."""
    start = time.perf_counter()
    samples = Samples[Classification](len(dataset))
    metrics = _metrics(samples.kept(each_result(predict, dataset, progress)), dataset, multi_label)
    return Measured(metrics, len(dataset), time.perf_counter() - start, samples.all)


def score(
    results: Iterable[Classification], dataset: ClassificationDataset, *, multi_label: bool, seconds: float
) -> Measured:
    """Classifications of every image, in the data set's order, that took `seconds` to make."""
    found = zip(range(len(dataset)), results, strict=True)
    return Measured(_metrics(found, dataset, multi_label), len(dataset), seconds)


def _metrics(
    results: Iterable[tuple[int, Classification]], dataset: ClassificationDataset, multi_label: bool
) -> Accuracy | F1Scores:
    if multi_label:
        f1 = F1Count(dataset.labels)
        for index, result in results:
            is_shown = np.zeros((1, len(dataset.labels)), np.bool_)
            is_shown[0, list(dataset.class_indices(index))] = True
            f1.update(result.probabilities[None], is_shown)
        return f1.metrics(in_total)
    if dataset.multi_label:
        raise InputError(f"{dataset.name}: its images may show several classes; this model gives exactly one (softmax)")
    accuracy = AccuracyCount(dataset.labels)
    for index, result in results:
        accuracy.update(result.probabilities[None], np.array(dataset.class_indices(index), np.int64))
    return accuracy.metrics(in_total)
