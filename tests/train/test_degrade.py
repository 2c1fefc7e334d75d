"""Blur and noise of the strength asked for, and hidden parts of which nobody knows what they show."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from edgewright_train.data.augmentation.degrade import degrade
from edgewright_train.data.augmentation.settings import Augmentation
from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.picture import Picture

GREY = Picture(image=np.full((80, 100, 3), 128, np.uint8))


def degraded(picture: Picture, seed: int = 0, **settings: float) -> Picture:
    return degrade(picture, Augmentation(**settings), np.random.default_rng(seed))  # type: ignore[arg-type]


def test_noise_has_at_most_the_deviation_asked_for() -> None:
    deviations = [degraded(GREY, seed, noise=0.04).image.std() for seed in range(40)]
    assert 0.7 * 10.2 < max(deviations) < 1.05 * 10.2
    assert min(deviations) < 0.3 * 10.2
    assert all(abs(degraded(GREY, seed, noise=0.04).image.mean() - 128) < 0.3 for seed in range(5))


def test_noise_follows_from_the_generator_in_every_thread() -> None:
    with ThreadPoolExecutor(3) as threads:
        images = list(threads.map(lambda seed: degraded(GREY, seed, noise=0.1).image, [1, 2, 3] * 20))
    for index, image in enumerate(images):
        np.testing.assert_array_equal(image, images[index % 3])
    assert len({image.tobytes() for image in images}) == 3


def test_blur_smooths_and_keeps_the_brightness() -> None:
    noisy = Picture(image=np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8))
    blurred = [degraded(noisy, seed, blur=3.0).image for seed in range(10)]
    assert all(image.std() <= noisy.image.std() for image in blurred)
    assert min(image.std() for image in blurred) < noisy.image.std() / 4
    assert all(abs(image.mean() - noisy.image.mean()) < 2 for image in blurred)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_erased_is_ignored_and_hidden_boxes_go(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, (90, 70), (30, 2))
    boxes = np.concatenate((corners, corners + rng.integers(3, 10, (30, 2))), 1).astype(np.float32)
    image, mask = np.full((80, 100, 3), 10, np.uint8), np.ones((80, 100), np.uint8)
    known = Picture(image=image, boxes_xyxy=boxes, class_indices=np.arange(30), mask=mask)
    seen = degraded(known, seed, erase=1.0, min_visible=0.5)
    assert seen.mask is not None
    hidden = seen.mask == IGNORED
    np.testing.assert_array_equal(hidden, seen.image[..., 0] == 114)
    assert 0.01 < hidden.mean() < 0.21
    shares = [1 - hidden[int(y0) : int(y1), int(x0) : int(x1)].mean() for x0, y0, x1, y1 in boxes]
    assert seen.class_indices.tolist() == [index for index, share in enumerate(shares) if share >= 0.5 - 1e-6]
    np.testing.assert_array_equal(seen.boxes_xyxy, boxes[seen.class_indices])
    assert (image == 10).all()  # the picture that was given is as it was
    assert (mask == 1).all()


def test_nothing_asked_for_draws_nothing() -> None:
    rng = np.random.default_rng(3)
    assert degrade(GREY, Augmentation(), rng).image is GREY.image
    assert rng.uniform() == np.random.default_rng(3).uniform()
