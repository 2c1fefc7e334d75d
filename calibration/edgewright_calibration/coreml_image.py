"""How a Core ML program normalises its image input, in the order of its roundings.

The input has one scale and a bias per channel, applied in float32; what is half precision starts behind that.  Where
the channels' scales differ, their geometric mean stands there, and the first operation multiplies by what is left.
"""

import numpy as np
from numpy.typing import NDArray

from edgewright_train.vision.preprocess import Preprocess


def coreml_image(preprocess: Preprocess, network_image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(height, width, 3) uint8 in `colour_order` -> (1, 3, height, width), of values in half precision."""
    scales, means = np.array(preprocess.scale), np.array(preprocess.mean)
    one_scale = bool((scales == scales[0]).all())
    common = scales[0] if one_scale else scales.prod() ** (1 / 3)
    planes = network_image.transpose(2, 0, 1)[None].astype(np.float32)
    biases = (-means * common).astype(np.float32).reshape(1, 3, 1, 1)
    halves = (planes * np.float32(common) + biases).astype(np.float16)
    if not one_scale:
        ratios = (scales.astype(np.float32) / np.float32(common)).astype(np.float16).reshape(1, 3, 1, 1)
        halves = (halves.astype(np.float32) * ratios.astype(np.float32)).astype(np.float16)
    return np.ascontiguousarray(halves.astype(np.float32))
