"""Darknet's [yolo] heads to rows (spec-darknet-cfg.md section 5): each anchor has its own classes, each class its row.

Letters: A anchors per cell, K classes.  An output is (A (5 + K), h, w), anchor by anchor: x, y, w, h, objectness and
classes.  Rows are in the order scale, row j, column i, anchor a, class.  Sigmoid and exponential are computed in
float64 and rounded to float32, the rest in float32 in the order written here, so that C++ gives the same bits.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...schema import Record
from .detections import Pixels, Rows, Suppression


class YoloScale(Record):
    """One head.

    Attributes:
        stride: of the grid, pixels.
        anchors_px: (w, h) at the network's input.
        scale_x_y: stretches the range of a centre inside its cell (1: exactly the cell).
        new_coords: the network activates its outputs itself, and a box's side is (2 p)^2 anchors, not exp(t).
    """

    output: str
    stride: int = Field(ge=1, le=1024)
    anchors_px: tuple[tuple[Pixels, Pixels], ...] = Field(min_length=1, max_length=64)
    scale_x_y: Annotated[float, Field(ge=1, le=4)]
    new_coords: bool

    def shape(self, size_wh: tuple[int, int], num_classes: int) -> tuple[int, int, int]:
        """(channels, height, width) of the output."""
        return len(self.anchors_px) * (5 + num_classes), size_wh[1] // self.stride, size_wh[0] // self.stride


class YoloDecode(Suppression):
    """A row's score is objectness x class probability."""

    kind: Literal["yolo"] = "yolo"
    scales: tuple[YoloScale, ...] = Field(min_length=1, max_length=8)


def yolo_rows(outputs: Mapping[str, NDArray[np.float32]], decode: YoloDecode, threshold: np.float32) -> list[Rows]:
    """Per scale, the rows whose score exceeds `threshold`."""
    return [_scale_rows(outputs[scale.output], scale, threshold) for scale in decode.scales]


def _scale_rows(output: NDArray[np.float32], scale: YoloScale, threshold: np.float32) -> Rows:
    anchors = np.array(scale.anchors_px, np.float32)
    planes = output.reshape(len(anchors), -1, *output.shape[1:]).transpose(2, 3, 0, 1)  # (h, w, A, 5 + K)
    activate = _as_is if scale.new_coords else _sigmoid
    j, i, a = np.nonzero(activate(planes[..., 4]) > threshold)  # no class lifts a score above its objectness
    cells = planes[j, i, a]
    scores = activate(cells[:, 4:5]) * activate(cells[:, 5:])
    row, class_index = np.nonzero(scores > threshold)
    half, stretch, stride = np.float32(0.5), np.float32(scale.scale_x_y), np.float32(scale.stride)
    shift = half * (stretch - np.float32(1))
    cx = (activate(cells[:, 0]) * stretch - shift + i.astype(np.float32)) * stride
    cy = (activate(cells[:, 1]) * stretch - shift + j.astype(np.float32)) * stride
    side = _squared if scale.new_coords else _exp
    half_w = side(cells[:, 2]) * anchors[a, 0] * half
    half_h = side(cells[:, 3]) * anchors[a, 1] * half
    boxes = np.stack((cx - half_w, cy - half_h, cx + half_w, cy + half_h), 1)
    return boxes[row], scores[row, class_index], class_index


def _as_is(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x


def _squared(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return (np.float32(2) * x) * (np.float32(2) * x)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # exp(-x) = inf is a sigmoid of 0
        return (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)


def _exp(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most the largest float32: a box may be huge, not infinite."""
    return np.minimum(np.exp(np.minimum(x.astype(np.float64), 88.0)), np.finfo(np.float32).max).astype(np.float32)
