"""The metric image by image is the metric of the evaluation, on the images and on any resample of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_calibration.accuracy.average_precision import Matches, match_image
from edgewright_calibration.accuracy.bootstrap import paired_loss
from edgewright_train.data.dataset import Annotation
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.detect.metric import average_precision

LABELS = ("cat", "dog", "never seen")


def some_images(seed: int, *, count: int = 12, crowds: bool = True) -> tuple[list[Annotation], list[Detections]]:
    """Detections near objects, near crowds and nowhere; equal scores and images without anything occur."""
    random = np.random.default_rng(seed)
    annotations, detections = [], []
    for image_id in range(count):
        num_truths = int(random.integers(0, 5))
        corners = random.uniform(0, 120, (num_truths, 2))
        truth = np.concatenate([corners, corners + random.uniform(8, 60, (num_truths, 2))], 1).astype(np.float32)
        classes = random.integers(0, 2, num_truths)
        is_crowd = random.random(num_truths) < (0.2 if crowds else 0)
        annotations.append(
            Annotation(
                image_id=image_id, width=200, height=200, boxes_xyxy=truth, class_indices=classes,
                is_crowd=is_crowd, areas_px=(truth[:, 2:] - truth[:, :2]).prod(1),
            )
        )  # fmt: skip
        copies = np.repeat(truth, 3, axis=0) + random.normal(0, 6, (3 * num_truths, 4)).astype(np.float32)
        copies[:, 2:] = np.maximum(copies[:, 2:], copies[:, :2] + 1)
        scores = random.choice(np.array([0.1, 0.3, 0.5, 0.7, 0.9], np.float32), len(copies))
        guesses = np.where(random.random(len(copies)) < 0.8, np.repeat(classes, 3), random.integers(0, 3, len(copies)))
        detections.append(Detections(copies, scores, guesses))
    return annotations, detections


def matches(annotations: list[Annotation], detections: list[Detections]) -> Matches:
    pairs = zip(annotations, detections, strict=True)
    return Matches.join([match_image(truth, found) for truth, found in pairs], num_classes=len(LABELS))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_average_precision_is_that_of_the_evaluation(seed: int) -> None:
    annotations, detections = some_images(seed)
    assert matches(annotations, detections).value() == pytest.approx(
        average_precision(annotations, detections, LABELS).ap50 or 0.0, abs=1e-12
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_an_image_left_out_is_an_image_that_is_not_there(seed: int) -> None:
    annotations, detections = some_images(seed)
    weights = np.random.default_rng(seed).integers(0, 2, len(annotations))
    kept = [index for index, weight in enumerate(weights) if weight]
    if kept:
        alone = matches([annotations[index] for index in kept], [detections[index] for index in kept])
        assert matches(annotations, detections).value(weights) == pytest.approx(alone.value(), abs=1e-12)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_every_image_twice_is_the_same_metric(seed: int) -> None:
    found = matches(*some_images(seed))
    assert found.value(np.full(found.num_images, 2)) == pytest.approx(found.value(), abs=0.02)


def test_nothing_to_find_is_zero_not_nan() -> None:
    empty = Annotation(
        image_id=1, width=9, height=9, boxes_xyxy=np.zeros((0, 4), np.float32), class_indices=np.zeros(0, np.int64),
        is_crowd=np.zeros(0, bool), areas_px=np.zeros(0, np.float32),
    )  # fmt: skip
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    assert matches([empty], [nothing]).value() == 0


def test_a_network_loses_nothing_against_itself() -> None:
    found = matches(*some_images(3))
    loss = paired_loss(found, found)
    assert (loss.value, loss.low, loss.high) == (0, 0, 0)


def test_the_interval_holds_the_loss_and_knows_its_sign() -> None:
    annotations, detections = some_images(5, count=40, crowds=False)
    worse = [Detections(found.boxes_xyxy[::2], found.scores[::2], found.class_indices[::2]) for found in detections]
    loss = paired_loss(matches(annotations, detections), matches(annotations, worse))
    assert loss.value > 0
    assert loss.low <= loss.value <= loss.high
    assert paired_loss(matches(annotations, worse), matches(annotations, detections)).value == -loss.value


def test_the_interval_is_the_same_every_time() -> None:
    source, other = matches(*some_images(1)), matches(*some_images(2))
    assert paired_loss(source, other) == paired_loss(source, other)


def test_different_data_sets_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="12 and 13 images"):
        paired_loss(matches(*some_images(1)), matches(*some_images(1, count=13)))
