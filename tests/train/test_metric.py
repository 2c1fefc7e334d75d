"""The metric is COCO's: equal to pycocotools, whatever the boxes."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edgewright_train.data.dataset import Annotation
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.detect.metric import Metrics, average_precision

LABELS = ("cat", "dog", "bird", "never seen")


def annotation(image_id: int, boxes: object, classes: object = (), crowd: object = None) -> Annotation:
    boxes_xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    return Annotation(
        image_id=image_id,
        width=200,
        height=160,
        boxes_xyxy=boxes_xyxy,
        class_indices=np.array(classes, np.int64).reshape(-1),
        is_crowd=np.zeros(len(boxes_xyxy), bool) if crowd is None else np.array(crowd, bool),
        areas_px=sides.prod(1),
    )


def detections(boxes: object, scores: object = (), classes: object = ()) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32).reshape(-1),
        np.array(classes, np.int64).reshape(-1),
    )


def by_pycocotools(truth: list[Annotation], found: list[Detections]) -> tuple[float | None, ...]:
    """AP, AP50, AP75, APs, APm, APl as the reference implementation prints them; None for its -1."""
    truth_rows = [
        {"image_id": a.image_id, "category_id": int(c), "bbox": xywh(b), "area": float(s), "iscrowd": int(i)}
        for a in truth
        for b, c, s, i in zip(a.boxes_xyxy, a.class_indices, a.areas_px, a.is_crowd, strict=True)
    ]
    found_rows = [
        {"image_id": a.image_id, "category_id": int(c), "bbox": xywh(b), "score": float(s), "iscrowd": 0}
        for a, d in zip(truth, found, strict=True)
        for b, c, s in zip(d.boxes_xyxy, d.class_indices, d.scores, strict=True)
    ]
    for row in found_rows:
        row["area"] = row["bbox"][2] * row["bbox"][3]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = COCOeval(coco(truth, truth_rows), coco(truth, found_rows), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return tuple(None if value == -1 else value for value in evaluator.stats[:6])


def coco(truth: list[Annotation], rows: list[dict[str, object]]) -> COCO:
    result = COCO()
    result.dataset = {
        "images": [{"id": a.image_id, "width": a.width, "height": a.height} for a in truth],
        "categories": [{"id": index, "name": name} for index, name in enumerate(LABELS)],
        "annotations": [row | {"id": number} for number, row in enumerate(rows, 1)],
    }
    result.createIndex()
    return result


def xywh(box: np.ndarray) -> list[float]:
    left, top, right, bottom = map(float, box)
    return [left, top, right - left, bottom - top]


def values(metrics: Metrics) -> tuple[float | None, ...]:
    return metrics.ap, metrics.ap50, metrics.ap75, metrics.ap_small, metrics.ap_medium, metrics.ap_large


def assert_equal_to_pycocotools(truth: list[Annotation], found: list[Detections]) -> Metrics:
    metrics = average_precision(truth, found, LABELS)
    for ours, reference in zip(values(metrics), by_pycocotools(truth, found), strict=True):
        assert (ours is None) == (reference is None)
        if reference is not None:
            assert ours == pytest.approx(reference, abs=1e-12)
    return metrics


def random_case(seed: int) -> tuple[list[Annotation], list[Detections]]:
    """Boxes of every size with ties in score and position, crowds, images without truth or without detections."""
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> np.ndarray:
        corner = rng.integers(0, 20, (count, 2)) * 8
        side = rng.choice([4, 8, 31, 32, 33, 95, 96, 97, 140], (count, 2))
        return np.concatenate((corner, corner + side), 1).astype(np.float32)

    truth, found = [], []
    for image_id in rng.permutation(40)[:12]:
        count = int(rng.integers(0, 8))
        truth.append(annotation(int(image_id), boxes(count), rng.integers(0, 3, count), rng.random(count) < 0.25))
        near = truth[-1].boxes_xyxy[rng.random(count) < 0.8]
        near = near + rng.integers(-3, 4, near.shape).astype(np.float32)
        guesses = np.concatenate((near, boxes(int(rng.integers(0, 6)))))[: int(rng.integers(0, 12))]
        scores = rng.choice([0.1, 0.5, 0.5, 0.9], len(guesses))
        found.append(detections(guesses, scores, rng.integers(0, 3, len(guesses))))
    return truth, found


@pytest.mark.parametrize("seed", range(25))
def test_equals_pycocotools_on_random_boxes(seed: int) -> None:
    assert_equal_to_pycocotools(*random_case(seed))


def test_equals_pycocotools_beyond_a_hundred_detections_of_equal_score() -> None:
    truth, found = random_case(99)
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 100, (300, 2)).astype(np.float32)
    found[0] = detections(np.concatenate((corner, corner + 40), 1), np.full(300, 0.5), rng.integers(0, 3, 300))
    assert_equal_to_pycocotools(truth, found)


def test_perfect_detections_score_one() -> None:
    truth = [annotation(0, [[10, 10, 50, 60], [60, 60, 160, 159]], [0, 1]), annotation(1, [[0, 0, 9, 9]], [2])]
    found = [detections(a.boxes_xyxy, np.full(len(a.boxes_xyxy), 0.9), a.class_indices) for a in truth]
    metrics = assert_equal_to_pycocotools(truth, found)
    assert values(metrics) == pytest.approx((1, 1, 1, 1, 1, 1))
    assert [c.ap50 for c in metrics.classes] == [pytest.approx(1), pytest.approx(1), pytest.approx(1), None]


def test_a_right_box_of_the_wrong_class_counts_for_nothing() -> None:
    truth = [annotation(0, [[10, 10, 50, 60]], [0])]
    metrics = assert_equal_to_pycocotools(truth, [detections([[10, 10, 50, 60]], [0.9], [1])])
    assert metrics.ap == 0


def test_a_crowd_region_forgives_detections_and_is_not_required() -> None:
    truth = [annotation(0, [[0, 0, 20, 20], [50, 50, 150, 150]], [0, 0], [False, True])]
    inside = [[60, 60, 90, 90], [70, 70, 100, 100]]
    metrics = assert_equal_to_pycocotools(truth, [detections([*inside, [0, 0, 20, 20]], [0.9, 0.8, 0.7], [0, 0, 0])])
    assert metrics.ap == pytest.approx(1)


def test_no_detections_at_all_is_zero() -> None:
    truth = [annotation(3, [[10, 10, 50, 60]], [0]), annotation(5, [])]
    metrics = assert_equal_to_pycocotools(truth, [detections([]), detections([])])
    assert metrics.ap50 == 0


def test_no_ground_truth_at_all_is_no_number() -> None:
    truth = [annotation(0, []), annotation(1, [])]
    metrics = assert_equal_to_pycocotools(truth, [detections([[0, 0, 9, 9]], [0.9], [0]), detections([])])
    assert values(metrics) == (None,) * 6


def test_equals_pycocotools_where_crowds_cover_objects_and_each_other() -> None:
    """Detections of equal score may belong to an object, to one crowd or to several."""
    crowds = [[0, 0, 100, 100], [20, 20, 120, 120]]
    truth = [
        annotation(7, [[30, 30, 60, 60], *crowds], [0, 0, 0], [False, True, True]),
        annotation(2, crowds, [0, 1], [1, 1]),
    ]
    boxes = [[30, 30, 60, 60], [31, 31, 61, 61], [0, 0, 100, 100], [10, 10, 110, 110]]
    found = [detections(boxes, np.full(4, 0.5), np.zeros(4)), detections(boxes, np.full(4, 0.5), [0, 1, 0, 1])]
    metrics = assert_equal_to_pycocotools(truth, found)
    assert metrics.classes[1].ap is None  # crowds alone are nothing to find


def test_equals_pycocotools_at_the_very_iou_thresholds() -> None:
    """Boxes inside an object of 100 pixels whose IoU is exactly 0.5, 0.55, ... 0.95."""
    heights = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95]
    truth = [annotation(n, [[0, 0, 100, 100]], [0]) for n in range(10)]
    found = [detections([[0, 0, 100, height]], [0.9], [0]) for height in heights]
    metrics = assert_equal_to_pycocotools(truth, found)
    assert metrics.ap50 == pytest.approx(1)


def test_equals_pycocotools_on_boxes_without_an_area() -> None:
    truth = [annotation(0, [[10, 10, 10, 30], [0, 0, 20, 20]], [0, 0])]
    found = [detections([[10, 10, 10, 30], [5, 5, 5, 5], [0, 0, 20, 20]], [0.9, 0.9, 0.9], [0, 0, 0])]
    assert_equal_to_pycocotools(truth, found)


@given(st.data())
def test_equals_pycocotools_on_boxes_that_all_but_coincide(data: st.DataObject) -> None:
    """Few places, few scores: nearly every comparison is a tie."""
    places = st.sampled_from([[0, 0, 40, 40], [0, 0, 40, 20], [0, 0, 20, 40], [0, 20, 40, 40], [50, 0, 150, 100]])
    truth, found = [], []
    for image_id in range(data.draw(st.integers(1, 3))):
        boxes = data.draw(st.lists(places, max_size=4))
        each = st.lists(st.integers(0, 1), min_size=len(boxes), max_size=len(boxes))
        truth.append(annotation(image_id, boxes, data.draw(each), data.draw(each)))
        guesses = data.draw(st.lists(places, max_size=6))
        each = st.lists(st.integers(0, 1), min_size=len(guesses), max_size=len(guesses))
        scores = [0.25 + 0.5 * score for score in data.draw(each)]
        found.append(detections(guesses, scores, data.draw(each)))
    assert_equal_to_pycocotools(truth, found)
