"""Intersection over union is that of the definition, and of the source system."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.data.dataset import IGNORED
from edgewright_train.tasks.segment.metric import OverlapCount

SEEDS = st.integers(0, 2**32)


def labels(count):
    return tuple(f"c{index}" for index in range(count))


def overlap(num_classes, *pairs):
    count = OverlapCount(labels(num_classes))
    for truth, found in pairs:
        count.update(np.asarray(truth, np.uint8), np.asarray(found, np.uint16))
    return count.metrics()


@needs_shared
def test_equals_the_source_system():
    fixture = np.load(SHARED / "fixtures/edgenets/edgenets_miou.npz")
    found = overlap(5, *zip(fixture["target"], fixture["logits"].argmax(1), strict=True))
    np.testing.assert_array_equal(found.intersection, fixture["inter"])
    np.testing.assert_array_equal(found.union, fixture["union"])
    assert found.mean_iou == pytest.approx(np.mean(fixture["inter"] / fixture["union"]))


@given(SEEDS, st.integers(1, 7), st.integers(1, 9), st.integers(1, 9))
def test_iou_is_the_shared_part_of_two_sets_of_pixels(seed, num_classes, height, width):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, (height, width))
    truth[rng.random(truth.shape) < 0.2] = IGNORED
    found = rng.integers(0, num_classes, truth.shape)
    result, counted = overlap(num_classes, (truth, found)), truth != IGNORED
    known = []
    for index in range(num_classes):
        one, other = (truth == index) & counted, (found == index) & counted
        known += [(one & other).sum() / (one | other).sum()] if (one | other).any() else []
        assert result.iou[index] == (pytest.approx(known[-1]) if (one | other).any() else None)
    assert result.mean_iou == (pytest.approx(np.mean(known)) if known else None)
    expected = pytest.approx((truth == found)[counted].mean()) if counted.any() else None
    assert result.pixel_accuracy == expected


@given(SEEDS)
def test_images_of_any_size_add_up_in_any_order(seed):
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(4):
        shape = rng.integers(1, 12, 2)
        pairs.append((rng.choice([0, 1, 2, IGNORED], shape), rng.integers(0, 3, shape)))
    flat = tuple(np.concatenate([each[part].ravel() for each in pairs])[None] for part in (0, 1))
    expected = overlap(3, flat).confusion
    np.testing.assert_array_equal(overlap(3, *pairs[::-1]).confusion, expected)


def test_a_class_that_never_occurs_is_none_but_one_that_is_only_predicted_counts():
    result = overlap(4, ([[0, 0, 1, 1]], [[0, 0, 1, 2]]))
    assert result.iou == [1.0, 0.5, 0.0, None]
    assert result.mean_iou == pytest.approx(0.5)
    assert result.class_figures()["c3"] == {"IoU": None, "pixels": 0}
    assert result.headline.value == result.mean_iou


def test_ignored_pixels_count_for_nothing():
    assert overlap(2, ([[IGNORED, 0]], [[1, 0]])).iou == [1.0, None]
    assert overlap(2, ([[IGNORED]], [[1]])).figures() == {"mIoU": None, "pixel_accuracy": None}


def test_classes_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="class 2 is not one of the 2"):
        overlap(2, ([[0]], [[2]]))
    with pytest.raises(ValueError, match="truth: class 7 is not one of the 2"):
        overlap(2, ([[0, IGNORED, 7]], [[0, 0, 0]]))
    with pytest.raises(ValueError, match="pixels, the truth has"):
        overlap(2, ([[0]], [[0, 0]]))
