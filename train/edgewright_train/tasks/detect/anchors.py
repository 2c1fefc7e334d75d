"""Anchors fitted to a data set: k-means over box sizes with the distance 1 - IoU.

Source: Redmon & Farhadi 2017, arXiv:1612.08242, section 2; sorted by width as dog-qiuqiu/Yolo-FastestV2 does.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...data.dataset import DetectionDataset
from ...errors import InputError

_MAX_ROUNDS = 300
_STARTS = 10
_MAX_SIZES = 20_000  # more boxes do not move the anchors


def box_sizes(dataset: DetectionDataset, size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """(N, 2) widths and heights of the boxes to learn, in pixels of a network's input; crowds are none."""
    sizes = [np.zeros((0, 2))]
    for index in range(len(dataset)):
        annotation = dataset.annotation(index)
        boxes = annotation.boxes_xyxy[~annotation.is_crowd].astype(np.float64)
        sizes.append((boxes[:, 2:] - boxes[:, :2]) * size_wh / (annotation.width, annotation.height))
    found = np.concatenate(sizes)
    return found[found.min(1, initial=np.inf) > 0]


def fit_anchors(sizes: NDArray[np.float64], num_anchors: int, *, seed: int = 0) -> NDArray[np.float64]:
    """(N, 2) widths and heights -> (num_anchors, 2), by width: the best of several starts by mean IoU."""
    rng = np.random.default_rng(seed)
    if len(sizes) > _MAX_SIZES:
        sizes = sizes[rng.choice(len(sizes), _MAX_SIZES, replace=False)]
    distinct = np.unique(sizes, axis=0)
    if len(distinct) < num_anchors:
        raise InputError(f"{num_anchors} anchors need as many box sizes, the data has {len(distinct)}")
    found = [_cluster(sizes, _spread(distinct, num_anchors, rng)) for _ in range(_STARTS)]
    best = max(found, key=lambda anchors: size_iou(sizes, anchors).max(1).mean())
    return best[np.lexsort(best.T[::-1])]


def _cluster(sizes: NDArray[np.float64], anchors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move anchors to the mean of the sizes nearest to them until nothing changes.  No cluster is ever empty."""
    nearest = np.full(len(sizes), -1)
    for _ in range(_MAX_ROUNDS):
        overlap = size_iou(sizes, anchors)
        now = overlap.argmax(1)
        for empty in np.setdiff1d(np.arange(len(anchors)), now):  # takes over the box served worst
            worst = overlap.max(1).argmin()
            now[worst], overlap[worst] = empty, 1.0
        if np.array_equal(now, nearest):
            break
        nearest = now
        anchors = np.stack([sizes[nearest == cluster].mean(0) for cluster in range(len(anchors))])
    return anchors


def size_iou(sizes: NDArray[np.float64], anchors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2), (A, 2) -> (N, A): IoU of boxes that share a corner."""
    overlap = np.minimum(sizes[:, None], anchors).prod(2)
    return overlap / (sizes.prod(1)[:, None] + anchors.prod(1) - overlap)


def by_scale(
    anchors: NDArray[np.float64], anchors_per_scale: Sequence[int]
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """The anchors in order, dealt out to the scales; rounded to hundredths of a pixel as they are published."""
    ends = np.cumsum(anchors_per_scale)
    rows = [(round(float(w), 2), round(float(h), 2)) for w, h in anchors]
    return tuple(tuple(rows[end - count : end]) for end, count in zip(ends, anchors_per_scale, strict=True))


def _spread(sizes: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """k-means++: each further start is drawn with a probability that grows with its distance from the others."""
    chosen = [int(rng.integers(len(sizes)))]
    while len(chosen) < count:
        distance = 1 - size_iou(sizes, sizes[chosen]).max(1)
        distance[chosen] = 0
        chosen.append(int(rng.choice(len(sizes), p=distance / distance.sum())))
    return sizes[chosen]
