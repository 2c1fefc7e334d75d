"""SSD's heads to rows (spec-espnetv2.md section 4): offsets from priors, a softmax over background and classes.

Letters: A priors per cell, K classes.  An output is (A (4 + K + 1), h, w): the offsets x, y, w, h prior by prior, then
the logits of background and classes prior by prior.  Rows are in the order scale, row j, column i, prior a, class.
Exponentials are computed in float64 and rounded to float32, the rest in float32 in the order written here.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...schema import Record
from .detections import Pixels, Rows, Suppression

CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2

Fraction = Annotated[float, Field(gt=0, le=1)]


class SsdScale(Record):
    """One map.

    Attributes:
        stride_wh: of the grid of prior centres, pixels.
        priors_wh: of each cell, as fractions of the input's sides.
    """

    output: str
    stride_wh: tuple[Pixels, Pixels]
    priors_wh: tuple[tuple[Fraction, Fraction], ...] = Field(min_length=1, max_length=64)

    def num_channels(self, num_classes: int) -> int:
        """Of the output; its height and width are whatever the network makes of them."""
        return len(self.priors_wh) * (4 + num_classes + 1)


class SsdDecode(Suppression):
    """Every class of a prior whose probability exceeds the threshold is a row."""

    kind: Literal["ssd"] = "ssd"
    width: int = Field(ge=1, le=8192)
    height: int = Field(ge=1, le=8192)
    scales: tuple[SsdScale, ...] = Field(min_length=1, max_length=16)


def ssd_rows(outputs: Mapping[str, NDArray[np.float32]], decode: SsdDecode, threshold: np.float32) -> list[Rows]:
    """Per scale, the rows whose score exceeds `threshold`."""
    size_wh = np.array((decode.width, decode.height), np.float32)
    return [_scale_rows(outputs[scale.output], scale, size_wh, threshold) for scale in decode.scales]


def _scale_rows(
    output: NDArray[np.float32], scale: SsdScale, size_wh: NDArray[np.float32], threshold: np.float32
) -> Rows:
    priors = np.array(scale.priors_wh, np.float32)
    num_priors, grid_hw = len(priors), output.shape[1:]
    offsets = output[: 4 * num_priors].reshape(num_priors, 4, *grid_hw).transpose(2, 3, 0, 1)  # (h, w, A, 4)
    logits = output[4 * num_priors :].reshape(num_priors, -1, *grid_hw).transpose(2, 3, 0, 1)  # (h, w, A, 1 + K)
    scores = _softmax(logits)[..., 1:]
    j, i, a, class_index = np.nonzero(scores > threshold)
    half, one = np.float32(0.5), np.float32(1)
    cells = np.stack((i, j), 1).astype(np.float32)
    centres = np.minimum((cells + half) * np.array(scale.stride_wh, np.float32) / size_wh, one)  # (N, 2)
    found = offsets[j, i, a]
    centre = (found[:, :2] * np.float32(CENTRE_VARIANCE) * priors[a] + centres) * size_wh
    half_side = _exp(found[:, 2:] * np.float32(SIZE_VARIANCE)) * priors[a] * size_wh * half
    return np.concatenate((centre - half_side, centre + half_side), 1), scores[j, i, a, class_index], class_index


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)


def _exp(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most exp(88), which float32 still holds: a box may be huge, not infinite."""
    return np.exp(np.minimum(x.astype(np.float64), 88.0)).astype(np.float32)
