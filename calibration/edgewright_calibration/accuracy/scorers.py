"""From the outputs of a network, image by image, to its scores: by the task's own decoding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from edgewright_export.outputs import Outputs
from edgewright_train.data.dataset import ClassificationDataset, Dataset, DetectionDataset, SegmentationDataset
from edgewright_train.inference import Run
from edgewright_train.tasks.classify.decode import Classification, ClassifyDecode, classify
from edgewright_train.tasks.classify.metric import PROBABILITY_THRESHOLD
from edgewright_train.tasks.decode import Decode
from edgewright_train.tasks.detect.decode import DetectDecode, detect
from edgewright_train.tasks.detect.evaluate import EVALUATION_SCORE_THRESHOLD
from edgewright_train.tasks.evaluation import Metric, Progress, each_result
from edgewright_train.tasks.segment.decode import SegmentDecode, segment
from edgewright_train.tasks.segment.metric import OverlapCount
from edgewright_train.vision.preprocess import Preprocess

from .average_precision import Matched, Matches, match_image
from .image_scores import ImageScores, MeanIou, Ratio

Row = TypeVar("Row")


class Scorer(Protocol[Row]):
    """Of the images of one data set, by index; a row is what has to be kept of one."""

    def row(self, index: int, size_wh: tuple[int, int], outputs: Outputs) -> Row:
        """`size_wh`: of the stored image."""

    def scores(self, rows: Sequence[Row]) -> ImageScores:
        """Of at least one image."""


def scorer(preprocess: Preprocess, decode: Decode, dataset: Dataset) -> Scorer[Any]:
    """The data set must be annotated for the task of `decode`."""
    if isinstance(decode, ClassifyDecode):
        return _ClassScorer(decode, cast(ClassificationDataset, dataset))
    if isinstance(decode, SegmentDecode):
        return _MaskScorer(preprocess, decode, cast(SegmentationDataset, dataset))
    return _BoxScorer(preprocess, decode, cast(DetectionDataset, dataset))


def score_images(
    run: Run, preprocess: Preprocess, decode: Decode, dataset: Dataset, *, progress: Progress | None = None
) -> ImageScores:
    """Every image once, in order.  The data set must be annotated for the task of `decode`."""
    by_task = scorer(preprocess, decode, dataset)

    def result(image: NDArray[np.uint8]) -> tuple[tuple[int, int], Outputs]:
        return (image.shape[1], image.shape[0]), run(preprocess.network_image(image))

    found = each_result(result, dataset, progress)
    return by_task.scores([by_task.row(index, size_wh, outputs) for index, (size_wh, outputs) in found])


@dataclass(frozen=True)
class _BoxScorer:
    preprocess: Preprocess
    decode: DetectDecode
    dataset: DetectionDataset

    def row(self, index: int, size_wh: tuple[int, int], outputs: Outputs) -> Matched:
        found = detect(outputs, self.decode, score_threshold=EVALUATION_SCORE_THRESHOLD)
        return match_image(self.dataset.annotation(index), found.to_source(self.preprocess.placement(size_wh)))

    def scores(self, rows: Sequence[Matched]) -> ImageScores:
        return Matches.join(rows, num_classes=len(self.dataset.labels))


@dataclass(frozen=True)
class _ClassScorer:
    """A row: a part and a whole of `Ratio`."""

    decode: ClassifyDecode
    dataset: ClassificationDataset

    def row(self, index: int, size_wh: tuple[int, int], outputs: Outputs) -> tuple[int, int]:
        count, _ = _COUNTS[self.decode.activation]
        return count(classify(outputs, self.decode), self.dataset.class_indices(index))

    def scores(self, rows: Sequence[tuple[int, int]]) -> ImageScores:
        _, metric = _COUNTS[self.decode.activation]
        return Ratio(metric, np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


@dataclass(frozen=True)
class _MaskScorer:
    """A row: (K, K), truth by prediction, in pixels."""

    preprocess: Preprocess
    decode: SegmentDecode
    dataset: SegmentationDataset

    def row(self, index: int, size_wh: tuple[int, int], outputs: Outputs) -> NDArray[np.int64]:
        truth = self.dataset.label_map(index)
        count = OverlapCount(self.dataset.labels)
        labels = segment(outputs, self.decode).to_source(self.preprocess.placement(size_wh))
        count.update(truth, labels.scaled((truth.shape[1], truth.shape[0])).labels)
        return count.metrics().confusion

    def scores(self, rows: Sequence[NDArray[np.int64]]) -> ImageScores:
        return MeanIou(self.dataset.labels, np.stack(rows))


_Count = Callable[[Classification, tuple[int, ...]], tuple[int, int]]


def _count_class(result: Classification, truth: tuple[int, ...]) -> tuple[int, int]:
    """Whether the most probable class is right, of one image."""
    return int(int(np.argmax(result.probabilities)) == truth[0]), 1


def _count_labels(result: Classification, truth: tuple[int, ...]) -> tuple[int, int]:
    """F1 = 2 TP / (found + shown)."""
    found = set(np.flatnonzero(result.probabilities > PROBABILITY_THRESHOLD).tolist())
    return 2 * len(found & set(truth)), len(found) + len(set(truth))


_COUNTS: dict[str, tuple[_Count, Metric]] = {"softmax": (_count_class, "top1"), "sigmoid": (_count_labels, "F1")}
