"""Is this run the source's run?  Outputs are compared by value, then what they mean (tolerances: docs/adr/0003)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewright_train.models.architecture import Task
from edgewright_train.tasks.decode import Decode

from .class_parity import compare_classification, compare_segmentation
from .detection_parity import compare_detections
from .manifest import Precision, Tolerance, task_of
from .outputs import Outputs

# Of float packs.
TOLERANCES: dict[Task, dict[Precision, Tolerance]] = {
    "detect": {
        "fp32": Tolerance(max_error=1e-4, min_cosine=None, max_score_diff=0.001, min_iou=0.99),
        "fp16": Tolerance(max_error=None, min_cosine=0.9999, max_score_diff=0.02, min_iou=0.9),
    },
    "classify": {
        "fp32": Tolerance(max_error=1e-4, min_cosine=None, max_score_diff=0.001),
        "fp16": Tolerance(max_error=None, min_cosine=0.9999, max_score_diff=0.02),
    },
    "segment": {
        "fp32": Tolerance(max_error=1e-4, min_cosine=None, max_score_diff=0.001, min_agreement=1.0),
        "fp16": Tolerance(max_error=None, min_cosine=0.9999, max_score_diff=0.02, min_agreement=0.999),
    },
}

# (matching parts of the result, all its parts, what is wrong or empty); parts: detections, images or pixels
_MEANING: dict[Task, Callable[[Outputs, Outputs, Any, Tolerance], tuple[int, int, str]]] = {
    "detect": compare_detections,
    "classify": compare_classification,
    "segment": compare_segmentation,
}


@dataclass(frozen=True)
class Comparison:
    """Of one image.

    Attributes:
        max_error: as `Tolerance` has it.
        num_agreeing, num_parts: of the source's result, those that the run has too: detections, images or pixels.
        problem: empty when everything is inside the tolerance.
    """

    max_error: float
    cosine: float
    num_agreeing: int
    num_parts: int
    problem: str


def compare(reference: Outputs, outputs: Outputs, decode: Decode, tolerance: Tolerance) -> Comparison:
    """`outputs` against the source's and against the result that both give at the manifest's thresholds."""
    max_error, cosine = 0.0, 1.0
    for name, expected in reference.items():
        value = outputs[name]
        if value.shape != expected.shape:
            return Comparison(np.inf, 0.0, 0, 0, f"output {name} has shape {value.shape}, not {expected.shape}")
        if not np.isfinite(value).all():
            return Comparison(np.inf, 0.0, 0, 0, f"output {name} holds NaN or infinity")
        size = max(1.0, float(np.abs(expected).max()))
        max_error = max(max_error, float(np.abs(value - expected).max()) / size)
        cosine = min(cosine, _cosine(expected, value))
    agreeing, parts, problem = _MEANING[task_of(decode)](reference, outputs, decode, tolerance)
    return Comparison(max_error, cosine, agreeing, parts, _problem(max_error, cosine, tolerance) or problem)


def _problem(max_error: float, cosine: float, tolerance: Tolerance) -> str:
    if tolerance.max_error is not None and not max_error <= tolerance.max_error:
        return f"largest error {max_error:.2e} exceeds {tolerance.max_error:.0e}"
    if tolerance.min_cosine is not None and not cosine >= tolerance.min_cosine:
        return f"cosine similarity {cosine:.6f} is below {tolerance.min_cosine}"
    return ""


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """1 for two all-zero maps; summed in float64."""
    x, y = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    norms = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / norms) if norms > 0 else float(np.array_equal(x, y))
