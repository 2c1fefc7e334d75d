"""A run's outputs: name -> (channels, height, width) float32."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Outputs = Mapping[str, NDArray[np.float32]]
