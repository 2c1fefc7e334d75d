"""From logits to class probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...schema import Record


class ClassifyDecode(Record):
    """`softmax`: one class per image; `sigmoid`: any number.  The output is (K, 1, 1) logits."""

    kind: Literal["classify"] = "classify"
    output: str
    activation: Literal["softmax", "sigmoid"]


@dataclass(frozen=True)
class Classification:
    """probabilities (K,) float32."""

    probabilities: NDArray[np.float32]

    def top(self, count: int) -> list[int]:
        """Class indices, most probable first; of equals the lower index."""
        return [int(index) for index in np.argsort(-self.probabilities, kind="stable")[:count]]


def classify(outputs: Mapping[str, NDArray[np.float32]], decode: ClassifyDecode) -> Classification:
    """Computed in float64 and rounded to float32, so that C++ gives the same bits."""
    logits = outputs[decode.output].reshape(-1).astype(np.float64)
    if decode.activation == "sigmoid":
        with np.errstate(over="ignore"):  # exp(-x) = inf is a sigmoid of 0
            return Classification((1 / (1 + np.exp(-logits))).astype(np.float32))
    powers = np.exp(logits - logits.max())
    return Classification((powers / powers.sum()).astype(np.float32))
