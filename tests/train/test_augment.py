"""Image and boxes change together, and only as far as asked."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_train.data.augment import Augmentation, augment, augment_image, augment_mask
from edgewright_train.data.dataset import IGNORED
from edgewright_train.errors import InputError
from edgewright_train.schema import parse_record

EVERYTHING = Augmentation(flip=0.5, zoom=(0.5, 2.0), aspect=1.3, hue=0.05, saturation=0.5, brightness=0.5, contrast=0.5)
BOXES = np.array([[10, 20, 50, 70], [60, 10, 110, 40]], np.float32)
CLASSES = np.array([3, 1])


def boxes_in_pixels(boxes_norm: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    centre, side = boxes_norm[:, :2] * size_wh, boxes_norm[:, 2:] * size_wh
    return np.concatenate((centre - side / 2, centre + side / 2), 1)


def picture() -> np.ndarray:
    """120x90, grey, with one bright box of each of two colours."""
    image = np.full((90, 120, 3), 60, np.uint8)
    for (left, top, right, bottom), colour in zip(BOXES.astype(int), ((255, 0, 0), (0, 0, 255)), strict=True):
        image[top:bottom, left:right] = colour
    return image


def test_the_defaults_only_resize() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 120, 3), np.uint8)
    window, boxes, classes = augment(image, BOXES, CLASSES, Augmentation(), (64, 96), rng)
    resized = cv2.resize(image, (64, 96), interpolation=cv2.INTER_LINEAR)
    assert int(np.abs(window.astype(int) - resized).max()) <= 4  # warpAffine has 5 bits of position
    np.testing.assert_allclose(boxes_in_pixels(boxes, (120, 90)), BOXES, atol=1e-4)
    np.testing.assert_array_equal(classes, CLASSES)


def test_a_flip_mirrors_pixels_and_boxes() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    flipped, boxes, _ = augment(image, BOXES, CLASSES, Augmentation(flip=1.0), (120, 90), np.random.default_rng(1))
    np.testing.assert_array_equal(flipped, image[:, ::-1])
    mirrored = BOXES.copy()
    mirrored[:, [0, 2]] = 120 - BOXES[:, [2, 0]]
    np.testing.assert_allclose(boxes_in_pixels(boxes, (120, 90)), mirrored, atol=1e-3)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_stay_on_what_they_box(seed: int) -> None:
    geometry = EVERYTHING.model_copy(update={"hue": 0.0, "saturation": 0.0, "brightness": 0.0, "contrast": 0.0})
    window, boxes, classes = augment(picture(), BOXES, CLASSES, geometry, (160, 128), np.random.default_rng(seed))
    assert window.shape == (128, 160, 3)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    for box, index in zip(boxes_in_pixels(boxes, (160, 128)), classes, strict=True):
        channel = 0 if index == 3 else 2
        colour = (window[..., channel].astype(int) - window[..., 1]) > 100
        rows, columns = np.nonzero(colour)
        seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        np.testing.assert_allclose(box, seen, atol=1.6)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_generator_alone_decides(seed: int) -> None:
    first, second = (
        augment(picture(), BOXES, CLASSES, EVERYTHING, (64, 64), np.random.default_rng(seed)) for _ in range(2)
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_colour_changes_move_nothing() -> None:
    colours = Augmentation(hue=0.1, saturation=0.5, brightness=0.5, contrast=0.5)
    rng = np.random.default_rng(0)
    windows = [augment(picture(), BOXES, CLASSES, colours, (120, 90), rng) for _ in range(8)]
    assert len({window.tobytes() for window, _, _ in windows}) == 8
    for _, boxes, _ in windows:
        np.testing.assert_allclose(boxes_in_pixels(boxes, (120, 90)), BOXES, atol=1e-4)


def test_boxes_outside_the_window_go_with_their_classes() -> None:
    closeup = Augmentation(zoom=(4.0, 4.0))
    kept = [augment(picture(), BOXES, CLASSES, closeup, (64, 64), np.random.default_rng(s)) for s in range(40)]
    assert {len(boxes) for _, boxes, _ in kept} >= {0, 1}
    assert all(len(boxes) == len(classes) for _, boxes, classes in kept)


def test_an_image_without_boxes_stays_without() -> None:
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    window, boxes, classes = augment(picture(), *none, EVERYTHING, (64, 64), np.random.default_rng(0))
    assert window.shape == (64, 64, 3)
    assert boxes.shape == (0, 4)
    assert classes.shape == (0,)


def picture_and_mask() -> tuple[np.ndarray, np.ndarray]:
    """Class 0 is black, 1 green and 2 red."""
    mask = np.zeros((90, 120), np.uint8)
    for number, (left, top, right, bottom) in enumerate(BOXES.astype(int), 1):
        mask[top:bottom, left:right] = number
    return np.stack([200 * (mask == number).astype(np.uint8) for number in (3, 1, 2)], 2), mask


GEOMETRY = EVERYTHING.model_copy(update={"hue": 0.0, "saturation": 0.0, "brightness": 0.0, "contrast": 0.0})


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mask_stays_on_its_picture(seed: int) -> None:
    image, mask = picture_and_mask()
    window, moved = augment_mask(image, mask, GEOMETRY, (160, 128), np.random.default_rng(seed))
    assert moved.shape == window.shape[:2] == (128, 160)
    known = moved != IGNORED
    pure = known & (window[..., 0] == 0) & np.isin(window, (0, 200)).all(2)  # neither blended nor of the border
    assert pure.sum() > 0.8 * known.sum()
    for number in (1, 2):
        np.testing.assert_array_equal(moved[pure] == number, window[pure][:, number] == 200)
    np.testing.assert_array_equal(window[moved == IGNORED][:, 0] > 0, True)  # the grey border, or blended with it


def test_a_mask_is_only_resized_by_default_and_mirrored_exactly() -> None:
    image, mask = picture_and_mask()
    _, same = augment_mask(image, mask, Augmentation(), (120, 90), np.random.default_rng(0))
    np.testing.assert_array_equal(same, mask)
    _, mirrored = augment_mask(image, mask, Augmentation(flip=1.0), (120, 90), np.random.default_rng(0))
    np.testing.assert_array_equal(mirrored, mask[:, ::-1])
    _, larger = augment_mask(image, mask, Augmentation(), (360, 270), np.random.default_rng(0))
    np.testing.assert_array_equal(larger, cv2.resize(mask, (360, 270), interpolation=cv2.INTER_NEAREST))


def test_all_tasks_see_the_same_window() -> None:
    image, mask = picture_and_mask()
    windows = [
        augment(image, BOXES, CLASSES, EVERYTHING, (64, 64), np.random.default_rng(3))[0],
        augment_mask(image, mask, EVERYTHING, (64, 64), np.random.default_rng(3))[0],
        augment_image(image, EVERYTHING, (64, 64), np.random.default_rng(3)),
    ]
    for window in windows[1:]:
        np.testing.assert_array_equal(window, windows[0])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_crop_shows_the_share_of_the_image_that_was_asked_for_and_nothing_else(seed: int) -> None:
    columns, rows = np.meshgrid(np.arange(200, dtype=np.uint8), np.arange(100, dtype=np.uint8))
    image = np.stack((columns, rows, np.zeros_like(rows)), 2)
    crop = Augmentation(crop=(0.2, 0.5), aspect=1.3, flip=0.5)
    window = augment_image(image, crop, (200, 100), np.random.default_rng(seed)).astype(int)
    assert window[..., 2].max() == 0  # no border
    width, height = np.ptp(window[..., 0]) + 1, np.ptp(window[..., 1]) + 1
    assert 0.19 <= width * height / 20000 <= 0.53


@pytest.mark.parametrize(
    "values",
    [
        {"crop": [0.5, 0.2]},
        {"crop": [0.0, 1.0]},
        {"flip": 1.5},
        {"zoom": [2.0, 0.5]},
        {"aspect": 0.5},
        {"mosaic": 1.0},
        {"crop": [0.5, 1.0], "zoom": [1.0, 2.0]},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(values))):
        parse_record(Augmentation, values, source="recipe")
