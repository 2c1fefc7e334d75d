"""From logits to a label map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...schema import Record


class SegmentDecode(Record):
    """The output is (K, h, w) logits; a pixel's label is the class with the largest, of equals the lower index."""

    kind: Literal["segment"] = "segment"
    output: str


@dataclass(frozen=True)
class LabelMap:
    """labels (h, w) uint16 class indices."""

    labels: NDArray[np.uint16]

    def scaled(self, size_wh: tuple[int, int]) -> "LabelMap":
        """To another size by the nearest pixel centre, in integers: every device picks the same pixel."""
        height, width = self.labels.shape
        columns = (2 * np.arange(size_wh[0]) + 1) * width // (2 * size_wh[0])
        rows = (2 * np.arange(size_wh[1]) + 1) * height // (2 * size_wh[1])
        return LabelMap(self.labels[rows[:, None], columns[None]])


def segment(outputs: Mapping[str, NDArray[np.float32]], decode: SegmentDecode) -> LabelMap:
    """At the size of the output."""
    return LabelMap(outputs[decode.output].argmax(0).astype(np.uint16))
