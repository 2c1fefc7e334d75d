"""A few images of an evaluation as a picture: on the left what is true of each, on the right what the network says."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..data.dataset import IGNORED
from ..data.drawing import draw_boxes, draw_classes, draw_mask, fitted, grid, with_legend
from ..tasks.classify.decode import Classification
from ..tasks.classify.metric import PROBABILITY_THRESHOLD
from ..tasks.detect.detections import DEFAULT_SCORE_THRESHOLD, Detections
from ..tasks.sample import Sample
from ..tasks.segment.decode import LabelMap

_CELL_PX = 192
_COLUMNS = 4  # two pairs beside each other

Image = NDArray[np.uint8]


def evaluation_picture(dataset: Any, samples: Sequence[Sample]) -> Image:
    """(H, W, 3) BGR.  Detections are those a person would see: of a score of at least 0.3."""
    cells: list[Image] = []
    shown: set[int] = set()
    for sample in samples:
        image, scale = fitted(dataset.image(sample.index), _CELL_PX)
        truth, found = image.copy(), image.copy()
        if isinstance(sample.result, Detections):
            shown |= _draw_boxes(truth, found, dataset, sample.index, sample.result, scale)
        elif isinstance(sample.result, Classification):
            shown |= _draw_classes(truth, found, dataset, sample.index, sample.result)
        else:
            shown |= _draw_masks(truth, found, dataset, sample.index, sample.result)
        cells += [truth, found]
    return with_legend(grid(cells, _COLUMNS), dataset.labels, sorted(shown))


def _draw_boxes(truth: Image, found: Image, dataset: Any, index: int, result: Detections, scale: float) -> set[int]:
    annotation, labels = dataset.annotation(index), dataset.labels
    draw_boxes(truth, annotation.boxes_xyxy * scale, annotation.class_indices, labels, annotation.is_crowd)
    seen = result.scores >= DEFAULT_SCORE_THRESHOLD
    draw_boxes(found, result.boxes_xyxy[seen] * scale, result.class_indices[seen], labels)
    return {*annotation.class_indices.tolist(), *result.class_indices[seen].tolist()}


def _draw_classes(truth: Image, found: Image, dataset: Any, index: int, result: Classification) -> set[int]:
    classes = dataset.class_indices(index)
    said = (
        np.flatnonzero(result.probabilities > PROBABILITY_THRESHOLD).tolist() if dataset.multi_label else result.top(1)
    )
    draw_classes(truth, classes, dataset.labels)
    draw_classes(found, said, dataset.labels)
    return {*classes, *said}


def _draw_masks(truth: Image, found: Image, dataset: Any, index: int, result: LabelMap) -> set[int]:
    size_wh = truth.shape[1::-1]
    mask = np.asarray(cv2.resize(dataset.label_map(index), size_wh, interpolation=cv2.INTER_NEAREST), np.uint8)
    said = result.scaled((size_wh[0], size_wh[1])).labels
    draw_mask(truth, mask, dataset.labels)
    draw_mask(found, said.astype(np.uint8), dataset.labels)
    return {*np.setdiff1d(mask, [IGNORED]).tolist(), *np.unique(said).tolist()}
