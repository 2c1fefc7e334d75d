"""VOC's average precision is that of its definition: by hand, by another way of computing it, and not upstream's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.data.dataset import Annotation
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.detect.metric import average_precision
from edgewright_train.tasks.detect.metric_voc import voc_matches
from edgewright_train.tasks.precision_recall import THRESHOLDS

LABELS = ("cat", "dog", "bird")
SEEDS = st.integers(0, 2**32)


def annotation(boxes, classes=None, difficult=None, image_id=0):
    boxes_xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    count = len(boxes_xyxy)
    return Annotation(
        image_id=image_id,
        width=200,
        height=200,
        boxes_xyxy=boxes_xyxy,
        class_indices=np.zeros(count, np.int64) if classes is None else np.array(classes, np.int64).reshape(-1),
        is_crowd=np.zeros(count, bool) if difficult is None else np.array(difficult, bool).reshape(-1),
        areas_px=(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(1),
    )


def detections(boxes, scores, classes=None):
    count = len(scores)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.zeros(count, np.int64) if classes is None else np.array(classes, np.int64).reshape(-1),
    )


def row(count):
    """Boxes that do not touch each other."""
    return [[20 * n, 0, 20 * n + 10, 10] for n in range(count)]


def matches(truth, found, labels=("cat",)):
    return voc_matches(truth, found, labels)


FAR = [0, 100, 10, 110]


def test_by_hand_right_wrong_right_of_three():
    """Precision 1 to recall 1/3, then 2/3 to recall 2/3, then nothing."""
    truth = [annotation(row(3))]
    found = [detections([row(3)[0], FAR, row(3)[1]], [0.9, 0.8, 0.7])]
    (cat,) = matches(truth, found)
    assert cat.is_right.tolist() == [True, False, True]
    assert cat.ap_all_point == pytest.approx((1 + 2 / 3) / 3)
    assert cat.ap_11_point == pytest.approx((4 * 1 + 3 * 2 / 3) / 11)  # recalls 0, 0.1, 0.2, 0.3 and 0.4, 0.5, 0.6


def test_by_hand_the_best_later_precision_counts():
    """Wrong first: precisions 0, 1/2, 2/3, of which the best at any recall up to 1 is 2/3."""
    (cat,) = matches([annotation(row(2))], [detections([FAR, *row(2)], [0.9, 0.8, 0.7])])
    assert (cat.ap_all_point, cat.ap_11_point) == pytest.approx((2 / 3, 2 / 3))


def test_a_recall_of_exactly_three_tenths_reaches_the_fourth_of_the_eleven_points():
    (cat,) = matches([annotation(row(10))], [detections(row(3), [0.9, 0.8, 0.7])])
    assert cat.ap_11_point == pytest.approx(4 / 11)


def test_a_second_detection_of_an_object_is_wrong_even_beside_a_free_one():
    """It is compared with the object that it overlaps most; COCO's rule gives it the other one."""
    truth = [annotation([[0, 0, 10, 10], [0, 3, 10, 13]])]
    found = [detections([[0, 0, 10, 10], [0, 1, 10, 11]], [0.9, 0.8])]
    (cat,) = matches(truth, found)
    assert cat.is_right.tolist() == [True, False]
    assert average_precision(truth, found, ("cat",)).ap50 == pytest.approx(1)


def test_half_is_enough():
    (cat,) = matches([annotation([[0, 0, 10, 10]])], [detections([[0, 0, 10, 20]], [0.9])])
    assert cat.ious.tolist() == [0.5]
    assert cat.ap_all_point == 1


def test_difficult_objects_are_neither_required_nor_is_finding_them_wrong():
    truth = [annotation(row(2), difficult=[False, True])]
    found = [detections([row(2)[1], row(2)[1], row(2)[0]], [0.9, 0.8, 0.7])]
    (cat,) = matches(truth, found)
    assert (cat.num_objects, cat.is_right.tolist(), cat.ap_all_point, cat.ap_11_point) == (1, [True], 1, 1)


def test_a_class_of_nothing_but_difficult_objects_has_no_figure():
    (cat,) = matches([annotation(row(1), difficult=[True])], [detections([FAR], [0.9])])
    assert cat.ap_11_point is cat.ap_all_point is None


def test_nothing_found_is_zero_and_nothing_there_is_no_number():
    empty = detections([], [])
    cat, dog = matches([annotation(row(1)), annotation([])], [empty, empty], ("cat", "dog"))
    assert cat.ap_11_point == cat.ap_all_point == 0
    assert dog.ap_11_point is dog.ap_all_point is None
    assert [each.ap_all_point for each in matches([], [], LABELS)] == [None] * 3


def plainly(truth, found, class_index):
    """Both figures step by step, as the text of the challenge says it; None without objects."""
    lines = []
    for image, (_, detections_) in enumerate(zip(truth, found, strict=True)):
        columns = (detections_.boxes_xyxy, detections_.scores, detections_.class_indices)
        lines += [
            (-float(s), image, n, b) for n, (b, s, c) in enumerate(zip(*columns, strict=True)) if c == class_index
        ]
    objects = {
        (image, n): bool(hard)
        for image, each in enumerate(truth)
        for n, (c, hard) in enumerate(zip(each.class_indices, each.is_crowd, strict=True))
        if c == class_index
    }
    wanted = sum(not hard for hard in objects.values())
    if not wanted:
        return None
    taken, right, wrong, points = set(), 0, 0, []
    for _, image, _, box in sorted(lines, key=lambda line: line[:3]):
        best, best_iou = None, 0.0
        for key in objects:
            if key[0] == image and (overlap := one_iou(box, truth[image].boxes_xyxy[key[1]])) > best_iou:
                best, best_iou = key, overlap
        if best_iou < 0.5:
            wrong += 1
        elif objects[best]:
            continue
        elif best in taken:
            wrong += 1
        else:
            taken.add(best)
            right += 1
        points.append((right, right / (right + wrong)))
    eleven = [max((p for r, p in points if 10 * r >= k * wanted), default=0) for k in range(11)]
    every = [max((p for r, p in points if r >= k), default=0) for k in range(1, wanted + 1)]
    return sum(eleven) / 11, sum(every) / wanted


def one_iou(one, other):
    one, other = one.astype(float), other.astype(float)
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inside = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return inside / (sum(areas) - inside) if inside else 0


def random_case(seed):
    """With crowded images, ties in score and place, boxes without an area, and images without either."""
    rng = np.random.default_rng(seed)

    def boxes(count):
        corner = rng.integers(0, 5, (count, 2)) * 4
        return np.concatenate((corner, corner + rng.integers(0, 4, (count, 2)) * 4), 1)

    truth, found = [], []
    for image_id in range(int(rng.integers(1, 6))):
        count, extra = int(rng.integers(0, 6)), int(rng.integers(0, 8))
        truth.append(annotation(boxes(count), rng.integers(0, 3, count), rng.random(count) < 0.3, image_id))
        near = truth[-1].boxes_xyxy[rng.random(count) < 0.8]
        guesses = np.concatenate((near, near + rng.integers(-1, 2, near.shape), boxes(extra)))
        scores = rng.choice([0.1, 0.25, 0.5, 0.5, 0.9], len(guesses))
        found.append(detections(guesses, scores, rng.integers(0, 3, len(guesses))))
    return truth, found


@given(SEEDS)
def test_equals_the_definition_taken_literally(seed):
    truth, found = random_case(seed)
    for index, each in enumerate(matches(truth, found, LABELS)):
        expected = plainly(truth, found, index)
        if expected is None:
            assert each.ap_11_point is each.ap_all_point is None
        else:
            assert (each.ap_11_point, each.ap_all_point) == pytest.approx(expected, abs=1e-12)


@given(SEEDS)
def test_curves_count_what_reaches_each_score(seed):
    truth, found = random_case(seed)
    for each in matches(truth, found, LABELS):
        curve = each.precision_recall
        for place, threshold in enumerate(THRESHOLDS):
            reaches = each.scores >= threshold
            assert curve.num_found[place] == reaches.sum()
            assert curve.num_right[place] == (reaches & each.is_right).sum()
        assert curve.num_right.max() <= max(curve.num_objects, 0)


@given(SEEDS)
def test_objects_that_do_not_overlap_make_it_cocos_precision_without_its_101_recalls(seed):
    """With one candidate per detection the two rules agree on which are right."""
    rng = np.random.default_rng(seed)
    places = row(8)
    truth = [annotation([places[n] for n in rng.choice(8, 4, replace=False)], image_id=n) for n in range(3)]
    scores = rng.permutation(24).reshape(3, 8) / 24
    found = [detections(places, each) for each in scores]
    (cat,) = matches(truth, found)
    right = [
        bool((a.boxes_xyxy == d.boxes_xyxy[n]).all(1).any())
        for a, d in zip(truth, found, strict=True)
        for n in range(8)
    ]
    assert cat.is_right.tolist() == [right[n] for n in np.argsort(-scores.reshape(-1), kind="stable")]
    coco = average_precision(truth, found, ("cat",)).ap50
    assert cat.ap_all_point == pytest.approx(coco, abs=1 / 12)


def upstream_right(truth, found):
    """Which detections YOLO-FastestV2's own evaluation takes for right, image by image.

    It pairs one with the object of any class that it overlaps most, and asks of its class only that it is in the image.
    """
    right = []
    for annotation_, detections_ in zip(truth, found, strict=True):
        taken = set()
        for box, class_index in zip(detections_.boxes_xyxy, detections_.class_indices, strict=True):
            overlaps = [one_iou(box, other) for other in annotation_.boxes_xyxy]
            best = int(np.argmax(overlaps)) if overlaps else None
            shown = class_index in annotation_.class_indices
            right.append(best is not None and shown and overlaps[best] >= 0.5 and best not in taken)
            taken |= {best} if right[-1] else set()
    return right


@needs_shared
def test_it_is_upstreams_figure_where_upstream_is_right():
    """Its example has no detection of another class on an object, which is where it errs."""
    fixture = np.load(SHARED / "fixtures/yolo-fastestv2/yfv2_upstream_map.npz")
    targets, rows = fixture["targets_img_cls_xyxy"], fixture["dets_img_xyxy_score_cls"]
    truth, found = [], []
    for image_id in np.unique(targets[:, 0]):
        own, guesses = targets[targets[:, 0] == image_id], rows[rows[:, 0] == image_id]
        truth.append(annotation(own[:, 2:], own[:, 1], image_id=int(image_id)))
        found.append(detections(guesses[:, 1:5], guesses[:, 5], guesses[:, 6]))
    assert upstream_right(truth, found) == fixture["tp"].astype(bool).tolist()
    ours = [each.ap_all_point for each in matches(truth, found, ("a", "b", "c", "d"))]
    assert np.mean(ours) == pytest.approx(fixture["precision_recall_ap_f1"][2], abs=1e-12)


def test_a_hit_of_the_wrong_class_is_wrong_which_upstream_counts_as_right():
    truth = [annotation(row(2), [0, 1])]
    found = [detections([row(2)[1], row(2)[1]], [0.9, 0.8], [0, 1])]  # "cat" on the dog, then "dog" on it
    assert upstream_right(truth, found) == [True, False]
    cat, dog, _ = matches(truth, found, LABELS)
    assert (cat.is_right.tolist(), dog.is_right.tolist()) == ([False], [True])
