"""Do two runs see the same classes?  A near-tie may fall either way; a class that was far behind may not win."""

import numpy as np
from numpy.typing import NDArray

from edgewright_train.tasks.classify.decode import ClassifyDecode, classify
from edgewright_train.tasks.segment.decode import SegmentDecode

from .manifest import Tolerance
from .outputs import Outputs


def compare_classification(
    reference: Outputs, outputs: Outputs, decode: ClassifyDecode, tolerance: Tolerance
) -> tuple[int, int, str]:
    """Images whose best class is right (0 or 1), 1, and what is wrong."""
    ours, theirs = classify(reference, decode).probabilities, classify(outputs, decode).probabilities
    best, given = int(ours.argmax()), int(theirs.argmax())
    worst = float(np.abs(ours - theirs).max())
    problem = ""
    if worst > tolerance.max_score_diff:
        problem = f"a class probability differs by {worst:.4f}, more than {tolerance.max_score_diff}"
    if ours[best] - ours[given] > tolerance.max_score_diff:
        problem = f"best class {given}, the source has {best} ({ours[best]:.3f} against {ours[given]:.3f})"
    return int(not problem), 1, problem


def compare_segmentation(
    reference: Outputs, outputs: Outputs, decode: SegmentDecode, tolerance: Tolerance
) -> tuple[int, int, str]:
    """Pixels whose class is right, all of them, and what is wrong."""
    wrong = wrong_pixels(reference, outputs, decode, tolerance)
    right = wrong.size - int(wrong.sum())
    assert tolerance.min_agreement is not None  # the manifest's rule for segmenters
    problem = ""
    if right / wrong.size < tolerance.min_agreement:
        problem = (
            f"{wrong.size - right} of {wrong.size} pixels have another class; {tolerance.min_agreement} must agree"
        )
    return right, wrong.size, problem


def wrong_pixels(
    reference: Outputs, outputs: Outputs, decode: SegmentDecode, tolerance: Tolerance
) -> NDArray[np.bool_]:
    """(h, w): where the class given was, in the reference, too far behind the best one."""
    probabilities = _softmax(reference[decode.output])
    given = outputs[decode.output].argmax(0)
    behind = probabilities.max(0) - np.take_along_axis(probabilities, given[None], 0)[0]
    return np.asarray(behind > tolerance.max_score_diff)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - logits.max(0, keepdims=True))
    return np.asarray(powers / powers.sum(0, keepdims=True))
