"""From logits to a label map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...schema import Record
from ...vision.placement import Placement, stretched


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
        return self.to_source(stretched((1, 1), size_wh))

    def to_source(self, placed: Placement) -> "LabelMap":
        """As `scaled`, to the source image that lies there in the network image, which the map covers all of."""
        (network_width, network_height), (width, height) = placed.network_wh, placed.source_wh
        map_height, map_width = self.labels.shape
        columns = _nearest(width, placed.left, placed.width, network_width, map_width)
        rows = _nearest(height, placed.top, placed.height, network_height, map_height)
        return LabelMap(self.labels[rows[:, None], columns[None]])


def _nearest(source_length: int, start: int, length: int, network_length: int, map_length: int) -> NDArray[np.int64]:
    centres = 2 * source_length * start + (2 * np.arange(source_length) + 1) * length  # times 2 source_length
    return centres * map_length // (2 * source_length * network_length)


def segment(outputs: Mapping[str, NDArray[np.float32]], decode: SegmentDecode) -> LabelMap:
    """At the size of the output."""
    return LabelMap(outputs[decode.output].argmax(0).astype(np.uint16))
