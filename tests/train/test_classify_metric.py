"""Top-k accuracy and F1 are what their definitions say, in any order and number of images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright_train.tasks.classify.metric import AccuracyCount, F1Count
from edgewright_train.tasks.precision_recall import THRESHOLDS

SEEDS = st.integers(0, 2**32)


def labels(count):
    return tuple(f"c{index}" for index in range(count))


def accuracy(probabilities, truth, num_classes):
    count = AccuracyCount(labels(num_classes))
    count.update(np.asarray(probabilities, np.float32), np.asarray(truth, np.int64))
    return count.metrics()


@given(SEEDS, st.integers(1, 40), st.integers(2, 12))
def test_top_k_is_the_share_of_images_whose_class_is_among_the_first_k(seed, num_images, num_classes):
    rng = np.random.default_rng(seed)
    probabilities = rng.integers(0, 6, (num_images, num_classes)) / 6  # with ties
    truth = rng.integers(0, num_classes, num_images)
    order = [sorted(range(num_classes), key=lambda index: (-row[index], index)) for row in probabilities]
    found = accuracy(probabilities, truth, num_classes)
    assert found.top1 == pytest.approx(np.mean([t == o[0] for t, o in zip(truth, order, strict=True)]))
    if num_classes > 5:
        assert found.top5 == pytest.approx(np.mean([t in o[:5] for t, o in zip(truth, order, strict=True)]))
    for index, value in enumerate(found.per_class):
        right = [o[0] == index for t, o in zip(truth, order, strict=True) if t == index]
        assert value == (pytest.approx(np.mean(right)) if right else None)


@given(SEEDS)
def test_counting_image_by_image_gives_the_same(seed):
    rng = np.random.default_rng(seed)
    probabilities, truth = rng.random((9, 7)), rng.integers(0, 7, 9)
    count = AccuracyCount(labels(7))
    for row, index in zip(probabilities, truth, strict=True):
        count.update(row[None].astype(np.float32), np.array([index]))
    assert count.metrics().figures() == accuracy(probabilities, truth, 7).figures()


def test_top_5_of_five_classes_says_nothing_and_is_none():
    assert accuracy(np.eye(5), range(5), 5).figures() == {"top1": 1.0, "top5": None, "mean_class_accuracy": 1.0}
    assert accuracy(np.eye(6), range(6), 6).top5 == 1.0


def test_a_class_without_images_is_none_and_not_in_the_mean():
    found = accuracy([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.1, 0.9, 0]], [0, 1, 1], 3)
    assert found.per_class == [1.0, 0.5, None]
    assert found.figures()["mean_class_accuracy"] == 0.75
    assert found.class_figures()["c2"] == {"top1": None, "images": 0}


def test_nan_is_never_right():
    assert accuracy([[np.nan] * 8], [0], 8).figures() == {"top1": 0.0, "top5": 0.0, "mean_class_accuracy": 0.0}


def test_no_images_have_no_accuracy():
    assert AccuracyCount(labels(9)).metrics().figures() == {"top1": None, "top5": None, "mean_class_accuracy": None}


@given(SEEDS, st.integers(1, 20), st.integers(1, 6))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(seed, num_images, num_classes):
    rng = np.random.default_rng(seed)
    shown, probabilities = rng.random((num_images, num_classes)) < 0.4, rng.random((num_images, num_classes))
    count = F1Count(labels(num_classes))
    for row, truth in zip(probabilities, shown, strict=True):
        count.update(row[None].astype(np.float32), truth[None])
    found, decided = count.metrics(), probabilities > 0.5
    figures = found.figures()
    if figures["precision"] and figures["recall"]:
        expected = 2 / (1 / figures["precision"] + 1 / figures["recall"])
        assert figures["F1"] == pytest.approx(expected)
    known = []
    for index in range(num_classes):
        right, wrong = (decided & shown)[:, index].sum(), (decided ^ shown)[:, index].sum()
        known += [2 * right / (2 * right + wrong)] if right + wrong else []
        assert found.per_class[index] == (pytest.approx(known[-1]) if right + wrong else None)
    assert found.macro == (pytest.approx(np.mean(known)) if known else None)


def test_micro_f1_weighs_findings_and_macro_f1_classes():
    count = F1Count(("often", "rare"))
    shown = np.array([[1, 0]] * 8 + [[1, 1]], bool)
    count.update(np.where([[1, 0]] * 9, 0.9, 0.1).astype(np.float32), shown)
    figures = count.metrics().figures()
    assert figures == {"F1": pytest.approx(18 / 19), "macro_F1": 0.5, "precision": 1.0, "recall": 0.9}
    assert count.metrics().headline.metric == "F1"


def test_a_probability_of_one_half_is_not_found():
    count = F1Count(("a",))
    count.update(np.array([[0.5]], np.float32), np.array([[True]]))
    assert count.metrics().micro == 0


@given(SEEDS, st.integers(1, 20), st.integers(1, 5))
def test_curves_count_the_images_whose_probability_reaches_each_threshold(seed, num_images, num_classes):
    rng = np.random.default_rng(seed)
    shown, probabilities = (
        rng.random((num_images, num_classes)) < 0.4,
        rng.integers(0, 11, (num_images, num_classes)) / 10,
    )
    count = F1Count(labels(num_classes))
    for row, truth in zip(probabilities, shown, strict=True):
        count.update(row[None], truth[None])
    for index, curve in enumerate(count.metrics().curves):
        assert (curve.name, curve.num_objects) == (f"c{index}", shown[:, index].sum())
        for place, threshold in enumerate(THRESHOLDS):
            found = probabilities[:, index] >= threshold
            assert (curve.num_found[place], curve.num_right[place]) == (found.sum(), (found & shown[:, index]).sum())


def test_one_class_per_image_has_no_curves():
    assert accuracy(np.eye(3), range(3), 3).curves == ()
