"""How outputs become a result, as data in the manifest: one kind per head, one task per kind."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..vision.placement import Placement
from .classify.decode import Classification, ClassifyDecode, classify
from .detect.decode import DetectDecode, detect
from .detect.detections import Detections
from .segment.decode import LabelMap, SegmentDecode, segment

Decode = Annotated[DetectDecode | ClassifyDecode | SegmentDecode, Field(discriminator="kind")]
Result = Detections | Classification | LabelMap


def decode_outputs(outputs: Mapping[str, NDArray[np.float32]], decode: Decode) -> Result:
    """`outputs`: name -> (channels, h, w).  Boxes are in network pixels, a label map has the output's size."""
    if isinstance(decode, ClassifyDecode):
        return classify(outputs, decode)
    if isinstance(decode, SegmentDecode):
        return segment(outputs, decode)
    return detect(outputs, decode)


def scaled_to_source(result: Result, placed: Placement) -> Result:
    """From the network's pixels to those of the source image that lies there."""
    return result if isinstance(result, Classification) else result.to_source(placed)
