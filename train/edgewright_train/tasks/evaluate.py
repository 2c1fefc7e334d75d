"""Run a network over a labelled data set and measure it, by the task its outputs are decoded for."""

from dataclasses import dataclass
from typing import cast

from ..data.dataset import Dataset, DetectionDataset
from ..errors import InputError
from ..inference import Run
from ..vision.preprocess import Preprocess
from .classify.decode import ClassifyDecode
from .decode import Decode
from .detect.detector import detector
from .detect.evaluate import EVALUATION_SCORE_THRESHOLD
from .detect.evaluate import evaluate as evaluate_detector
from .evaluation import Evaluation, Progress
from .segment.decode import SegmentDecode


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
    if isinstance(decode, ClassifyDecode | SegmentDecode):
        raise NotImplementedError(decode.kind)
    _require(dataset, "annotation", "boxes")
    predict = detector(run, preprocess, decode, score_threshold=thresholds.score, iou_threshold=thresholds.iou)
    return evaluate_detector(predict, cast(DetectionDataset, dataset), progress=progress)


def _require(dataset: Dataset, member: str, what: str) -> None:
    if not hasattr(dataset, member):
        raise InputError(f"{dataset.name}: has no {what}, which this model is measured by")
