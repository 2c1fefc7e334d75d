"""Run a network over a labelled data set and measure it, by the task its outputs are decoded for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import ClassificationDataset, Dataset, DetectionDataset, SegmentationDataset
from ..errors import CheckError, InputError
from ..inference import Run
from ..vision.preprocess import Preprocess
from .classify.decode import ClassifyDecode, classify
from .classify.evaluate import evaluate as evaluate_classifier
from .decode import Decode
from .detect.detector import detector
from .detect.evaluate import EVALUATION_SCORE_THRESHOLD
from .detect.evaluate import evaluate as evaluate_detector
from .evaluation import Evaluation, Progress
from .segment.decode import LabelMap, SegmentDecode, segment
from .segment.evaluate import evaluate as evaluate_segmenter


@dataclass(frozen=True)
class Thresholds:
    """Of a detector's evaluation.  `iou` is the manifest's unless the user says otherwise."""

    score: float = EVALUATION_SCORE_THRESHOLD
    iou: float | None = None


DEFAULT_THRESHOLDS = Thresholds()


def evaluate_run(
    run: Run,
    preprocess: Preprocess,
    decode: Decode,
    dataset: Dataset,
    *,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    progress: Progress | None = None,
) -> Evaluation:
    """Every image once, in order.  Raises `InputError` when `dataset` is not annotated for the task of `decode`."""
    if isinstance(decode, ClassifyDecode):
        _require(dataset, "class_indices", "classes of images")
        outputs = _finite_outputs(run, preprocess)
        return evaluate_classifier(
            lambda image: classify(outputs(image), decode),
            cast(ClassificationDataset, dataset),
            multi_label=decode.activation == "sigmoid",
            progress=progress,
        )
    if isinstance(decode, SegmentDecode):
        _require(dataset, "label_map", "masks")
        outputs = _finite_outputs(run, preprocess)

        def label_map(image_bgr: NDArray[np.uint8]) -> LabelMap:
            height, width = image_bgr.shape[:2]
            return segment(outputs(image_bgr), decode).to_source(preprocess.placement((width, height)))

        return evaluate_segmenter(label_map, cast(SegmentationDataset, dataset), progress=progress)
    _require(dataset, "annotation", "boxes")
    predict = detector(run, preprocess, decode, score_threshold=thresholds.score, iou_threshold=thresholds.iou)
    return evaluate_detector(predict, cast(DetectionDataset, dataset), progress=progress)


def _require(dataset: Dataset, member: str, what: str) -> None:
    if not hasattr(dataset, member):
        raise InputError(f"{dataset.name}: has no {what}, which this model is measured by")


def _finite_outputs(run: Run, preprocess: Preprocess) -> Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """From a source image on.  NaN would count as the best class: it raises `CheckError`."""

    def outputs(image_bgr: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        found = run(preprocess.network_image(image_bgr))
        for name, values in found.items():
            if not np.isfinite(values).all():
                raise CheckError(f"the model's output {name} holds NaN or infinity, so there is no result to measure")
        return found

    return outputs
