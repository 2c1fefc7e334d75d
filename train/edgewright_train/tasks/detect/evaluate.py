"""Run a detector over a data set and measure it.  Shared by PyTorch checkpoints and packs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.dataset import DetectionDataset
from ...processes.group import in_order
from ..evaluation import Headline, Progress, each_result
from ..precision_recall import PrecisionRecall
from ..sample import Sample, Samples
from .detections import Detections
from .metric import Metrics, average_precision
from .metric_voc import ClassMatches, mean_of, voc_matches

EVALUATION_SCORE_THRESHOLD = 0.001  # COCO's curves need the weak detections too

Predict = Callable[[NDArray[np.uint8]], Detections]  # (H, W, 3) BGR -> detections in its pixels


@dataclass(frozen=True)
class Evaluation:
    """`seconds` is what reading and detecting took.

    Attributes:
        matches: of each class, as VOC counts them.
    """

    metrics: Metrics
    num_images: int
    seconds: float
    matches: tuple[ClassMatches, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def headline(self) -> Headline:
        return Headline("AP50", self.metrics.ap50)

    @property
    def curves(self) -> tuple[PrecisionRecall, ...]:
        """At IoU 0.5."""
        return tuple(matches.precision_recall for matches in self.matches)

    def as_json(self) -> dict[str, Any]:
        """Under the names COCO gives them, and VOC's figures."""
        m = self.metrics
        return {
            "AP": m.ap,
            "AP50": m.ap50,
            "AP75": m.ap75,
            "APs": m.ap_small,
            "APm": m.ap_medium,
            "APl": m.ap_large,
            "AP50_voc_11_point": mean_of(matches.ap_11_point for matches in self.matches),
            "AP50_voc_all_point": mean_of(matches.ap_all_point for matches in self.matches),
            "images": self.num_images,
            "seconds": round(self.seconds, 3),
            "classes": {c.name: {"AP": c.ap, "AP50": c.ap50} for c in m.classes},
        }


def evaluate(predict: Predict, dataset: DetectionDataset, *, progress: Progress | None = None) -> Evaluation:
    """Every image once, in order."""
    start = time.perf_counter()
    samples = Samples[Detections](len(dataset))
    own = [detections for _, detections in samples.kept(each_result(predict, dataset, progress))]
    result = score(in_order(own), dataset, seconds=time.perf_counter() - start)
    return replace(result, samples=samples.all)


def score(detections: Sequence[Detections], dataset: DetectionDataset, *, seconds: float) -> Evaluation:
    """Detections of every image, in the data set's order and in source pixels, that took `seconds` to make."""
    annotations = [dataset.annotation(index) for index in range(len(dataset))]
    of_classes = annotations, detections, dataset.labels
    return Evaluation(average_precision(*of_classes), len(dataset), seconds, voc_matches(*of_classes))
