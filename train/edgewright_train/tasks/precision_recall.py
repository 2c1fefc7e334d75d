"""How many of the things a model finds are right, by the score from which on they count as found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_THRESHOLDS = 101
THRESHOLDS = np.linspace(0, 1, NUM_THRESHOLDS)


@dataclass(frozen=True)
class PrecisionRecall:
    """Of one class, at `THRESHOLDS`.

    Attributes:
        num_objects: what there is to find.
        num_right, num_found: (NUM_THRESHOLDS,) int64 of the findings with at least that score, the right ones and all.
        num_negatives: cases in which there is nothing to find; 0 for a detector, whose boxes are no such cases.
    """

    name: str
    num_objects: int
    num_right: NDArray[np.int64]
    num_found: NDArray[np.int64]
    num_negatives: int = 0

    @property
    def precision(self) -> NDArray[np.float64]:
        """0 where nothing is found."""
        return self.num_right / np.maximum(self.num_found, 1)

    @property
    def recall(self) -> NDArray[np.float64]:
        """0 where there is nothing to find."""
        return self.num_right / max(self.num_objects, 1)


def score_bins(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many of `THRESHOLDS` each score reaches; NaN reaches none."""
    return np.searchsorted(THRESHOLDS, np.nan_to_num(scores, nan=-1.0), side="right")


def reaching(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """(..., NUM_THRESHOLDS + 1) counts by `score_bins` -> (..., NUM_THRESHOLDS) counts that reach each threshold."""
    return histogram[..., :0:-1].cumsum(-1)[..., ::-1]
