"""What counts as equal to the source, and what does not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgewright_export.parity import TOLERANCES, compare
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.detect.yolo_fastestv2 import YoloFastestV2Decode, YoloFastestV2Scale

DECODE = YoloFastestV2Decode(
    kind="yolo-fastestv2",
    score_threshold=0.3,
    iou_threshold=0.4,
    max_detections=300,
    scales=(YoloFastestV2Scale(output="stride16", stride=16, anchors_px=((12.0, 20.0), (40.0, 50.0), (56.0, 140.0))),),
)
FP32, FP16 = TOLERANCES["detect"]["fp32"], TOLERANCES["detect"]["fp16"]


def some_maps(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    values = np.random.default_rng(seed).random((5 * 3 + 4, 6, 8), np.float32)
    return {"stride16": values}


def test_a_run_equals_itself() -> None:
    result = compare(some_maps(), some_maps(), DECODE, FP32)
    assert result.problem == ""
    assert result.num_agreeing > 5
    assert (result.max_error, result.cosine) == (0.0, pytest.approx(1.0))


def test_fp32_refuses_one_value_that_is_off_by_more_than_the_tolerance() -> None:
    reference, maps = some_maps(), some_maps()
    quietest = np.unravel_index(maps["stride16"][12].argmin(), (6, 8))  # a cell of no detection of anchor 0
    maps["stride16"][(0, *quietest)] += 2e-4
    assert "largest error" in compare(reference, maps, DECODE, FP32).problem
    assert compare(reference, maps, DECODE, FP16).problem == ""


def test_fp16_refuses_maps_that_point_elsewhere() -> None:
    assert "cosine" in compare(some_maps(), some_maps(seed=1), DECODE, FP16).problem


def test_a_lost_detection_is_named_even_when_the_maps_are_close() -> None:
    maps = some_maps()
    objectness = maps["stride16"][12:15]
    anchor, j, i = np.unravel_index(objectness.argmax(), objectness.shape)
    reference = some_maps()
    reference["stride16"][15:, j, i] = (0, 1, 0, 0)
    maps["stride16"][15:, j, i] = (0, 1, 0, 0)
    maps["stride16"][12 + anchor, j, i] = 0.0
    lenient = FP16.model_copy(update={"min_cosine": 0.9})
    assert compare(reference, maps, DECODE, lenient).problem.startswith("missing detection: class 1")
    assert compare(maps, reference, DECODE, lenient).problem.startswith("extra detection: class 1")


def test_a_detection_at_the_threshold_may_be_on_either_side() -> None:
    def one_object(score: float) -> dict[str, NDArray[np.float32]]:
        maps = {"stride16": np.zeros((19, 6, 8), np.float32)}
        maps["stride16"][:12] = 0.5
        maps["stride16"][12, 2, 3], maps["stride16"][15, 2, 3] = score, 1.0
        return maps

    assert compare(one_object(0.305), one_object(0.295), DECODE, FP16).problem == ""
    assert "missing" in compare(one_object(0.4), one_object(0.295), DECODE, FP16).problem


def test_boxes_that_only_suppression_told_apart_are_not_missing() -> None:
    def two_objects(offset: float) -> dict[str, NDArray[np.float32]]:
        """Overlapping by 0.4 give or take a little: the weaker one is suppressed or not."""
        maps = {"stride16": np.zeros((19, 6, 8), np.float32)}
        maps["stride16"][:12] = 0.5
        for i, score in ((3, 0.9), (4, 0.8)):
            maps["stride16"][13, 2, i], maps["stride16"][15, 2, i] = score, 1.0
        maps["stride16"][4, 2, 4] = 0.5 + offset
        return maps

    both, one = two_objects(0.05), two_objects(0.035)
    assert [len(detect(maps, DECODE)) for maps in (both, one)] == [2, 1]
    assert compare(both, one, DECODE, FP16).problem == ""


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_never_equal(value: float) -> None:
    maps = some_maps()
    maps["stride16"][3, 1, 1] = value
    assert "NaN or infinity" in compare(some_maps(), maps, DECODE, FP16).problem


def test_a_map_of_another_shape_is_never_equal() -> None:
    maps = {"stride16": some_maps()["stride16"].transpose(0, 2, 1)}
    assert "shape" in compare(some_maps(), maps, DECODE, FP16).problem
