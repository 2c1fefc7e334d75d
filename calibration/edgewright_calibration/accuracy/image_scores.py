"""What a network makes of every image of a data set, kept so that any resample of the images can be measured.

Letters: N images, K classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edgewright_train.data.dataset import ClassificationDataset, Dataset, DetectionDataset, SegmentationDataset
from edgewright_train.inference import Run
from edgewright_train.tasks.classify.decode import Classification, ClassifyDecode, classify
from edgewright_train.tasks.classify.metric import PROBABILITY_THRESHOLD
from edgewright_train.tasks.decode import Decode
from edgewright_train.tasks.detect.detector import detector
from edgewright_train.tasks.detect.evaluate import EVALUATION_SCORE_THRESHOLD
from edgewright_train.tasks.evaluation import Metric, Progress, each_result
from edgewright_train.tasks.segment.decode import LabelMap, SegmentDecode, segment
from edgewright_train.tasks.segment.metric import Overlap, OverlapCount
from edgewright_train.vision.preprocess import Preprocess

from .average_precision import Matches, match_image

Weights = NDArray[np.int64]  # (N,) how often each image counts


class ImageScores(Protocol):
    """Of one network on one data set."""

    @property
    def metric(self) -> Metric: ...

    @property
    def num_images(self) -> int: ...

    def value(self, weights: Weights | None = None) -> float:
        """The metric, 0..1, with every image counted `weights` times; 0 where nothing is to be found."""


def score_images(
    run: Run, preprocess: Preprocess, decode: Decode, dataset: Dataset, *, progress: Progress | None = None
) -> ImageScores:
    """Every image once, in order.  The data set must be annotated for the task of `decode`."""
    if isinstance(decode, ClassifyDecode):
        classes = cast(ClassificationDataset, dataset)
        found = each_result(lambda image: classify(run(preprocess.network_image(image)), decode), dataset, progress)
        count, metric = _COUNTS[decode.activation]
        rows = [count(result, classes.class_indices(index)) for index, result in enumerate(found)]
        return _Ratio(metric, np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    if isinstance(decode, SegmentDecode):
        masks = cast(SegmentationDataset, dataset)
        maps = each_result(lambda image: segment(run(preprocess.network_image(image)), decode), dataset, progress)
        confusions = [_confusion(labels, masks, index) for index, labels in enumerate(maps)]
        return _MeanIou(dataset.labels, np.stack(confusions))
    boxes = cast(DetectionDataset, dataset)
    predict = detector(run, preprocess, decode, score_threshold=EVALUATION_SCORE_THRESHOLD)
    detections = each_result(predict, dataset, progress)
    matches = [match_image(boxes.annotation(index), found) for index, found in enumerate(detections)]
    return Matches.join(matches, num_classes=len(dataset.labels))


@dataclass(frozen=True)
class _Ratio:
    """Top-1 accuracy, or micro F1: sums over the images, divided.  `parts`, `wholes`: (N,)."""

    metric: Metric
    parts: NDArray[np.int64]
    wholes: NDArray[np.int64]

    @property
    def num_images(self) -> int:
        return len(self.parts)

    def value(self, weights: Weights | None = None) -> float:
        counts = np.ones(self.num_images, np.int64) if weights is None else weights
        whole = int(counts @ self.wholes)
        return int(counts @ self.parts) / whole if whole else 0.0


@dataclass(frozen=True)
class _MeanIou:
    """`confusions`: (N, K, K), truth by prediction, in pixels."""

    labels: tuple[str, ...]
    confusions: NDArray[np.int64]

    @property
    def metric(self) -> Metric:
        return "mIoU"

    @property
    def num_images(self) -> int:
        return len(self.confusions)

    def value(self, weights: Weights | None = None) -> float:
        counts = np.ones(self.num_images, np.int64) if weights is None else weights
        return Overlap(self.labels, np.tensordot(counts, self.confusions, 1)).mean_iou or 0.0


_Count = Callable[[Classification, tuple[int, ...]], tuple[int, int]]


def _count_class(result: Classification, truth: tuple[int, ...]) -> tuple[int, int]:
    """Whether the most probable class is right, of one image."""
    return int(int(np.argmax(result.probabilities)) == truth[0]), 1


def _count_labels(result: Classification, truth: tuple[int, ...]) -> tuple[int, int]:
    """F1 = 2 TP / (found + shown)."""
    found = set(np.flatnonzero(result.probabilities > PROBABILITY_THRESHOLD).tolist())
    return 2 * len(found & set(truth)), len(found) + len(set(truth))


_COUNTS: dict[str, tuple[_Count, Metric]] = {"softmax": (_count_class, "top1"), "sigmoid": (_count_labels, "F1")}


def _confusion(labels: LabelMap, masks: SegmentationDataset, index: int) -> NDArray[np.int64]:
    truth = masks.label_map(index)
    count = OverlapCount(masks.labels)
    count.update(truth, labels.scaled((truth.shape[1], truth.shape[0])).labels)
    return count.metrics().confusion
