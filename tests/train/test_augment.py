"""Image and boxes change together, and only as far as asked."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_train.data.augmentation.augment import augment
from edgewright_train.data.augmentation.settings import Augmentation, check_augmentation
from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.picture import Picture
from edgewright_train.errors import InputError
from edgewright_train.schema import parse_record

EVERYTHING = Augmentation(
    flip=0.5, flip_vertical=0.5, zoom=(0.5, 2.0), aspect=1.3, rotate=30, shear=10, translate=0.2, mosaic=0.5,
    hue=0.05, saturation=0.5, brightness=0.5, contrast=0.5, blur=1.5, noise=0.05, erase=0.5,
)  # fmt: skip
UPRIGHT = Augmentation(flip=0.5, flip_vertical=0.5, zoom=(0.5, 2.0), aspect=1.3, translate=0.2)
TURNED = UPRIGHT.model_copy(update={"rotate": 180.0, "shear": 15.0})
BOXES = np.array([[10, 20, 50, 70], [60, 10, 110, 40]], np.float32)
CLASSES = np.array([3, 1])


def sample(
    image: np.ndarray, settings: Augmentation, size_wh: tuple[int, int], seed: int = 0, **known: np.ndarray
) -> Picture:
    """Of a data set of four pictures that are alike."""
    picture = Picture(image=image, **known)  # type: ignore[arg-type]
    return augment(lambda _: picture, 0, 4, settings, size_wh, np.random.default_rng(seed))


def boxed(settings: Augmentation, size_wh: tuple[int, int], seed: int = 0) -> Picture:
    return sample(picture(), settings, size_wh, seed, boxes_xyxy=BOXES, class_indices=CLASSES)


def picture() -> np.ndarray:
    """120x90, grey, with one bright box of each of two colours."""
    image = np.full((90, 120, 3), 60, np.uint8)
    for (left, top, right, bottom), colour in zip(BOXES.astype(int), ((255, 0, 0), (0, 0, 255)), strict=True):
        image[top:bottom, left:right] = colour
    return image


def test_the_defaults_only_resize() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    seen = sample(image, Augmentation(), (64, 96), boxes_xyxy=BOXES, class_indices=CLASSES)
    resized = cv2.resize(image, (64, 96), interpolation=cv2.INTER_LINEAR)
    assert int(np.abs(seen.image.astype(int) - resized).max()) <= 4  # warpAffine has 5 bits of position
    np.testing.assert_allclose(seen.boxes_xyxy * np.tile((120 / 64, 90 / 96), 2), BOXES, atol=1e-4)
    np.testing.assert_array_equal(seen.class_indices, CLASSES)


@pytest.mark.parametrize(("axis", "mirroring"), [(0, Augmentation(flip=1.0)), (1, Augmentation(flip_vertical=1.0))])
def test_a_flip_mirrors_pixels_and_boxes(axis: int, mirroring: Augmentation) -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    seen = sample(image, mirroring, (120, 90), boxes_xyxy=BOXES, class_indices=CLASSES)
    np.testing.assert_array_equal(seen.image, np.flip(image, 1 - axis))
    mirrored = BOXES.copy()
    mirrored[:, [axis, axis + 2]] = (120, 90)[axis] - BOXES[:, [axis + 2, axis]]
    np.testing.assert_allclose(seen.boxes_xyxy, mirrored, atol=1e-3)


def bounds(image: np.ndarray, class_index: int) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the pixels that show the class."""
    channel = 0 if class_index == 3 else 2
    rows, columns = np.nonzero((image[..., channel].astype(int) - image[..., 1]) > 100)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_stay_on_what_they_box(seed: int) -> None:
    seen = boxed(UPRIGHT, (160, 128), seed)
    assert seen.image.shape == (128, 160, 3)
    assert ((seen.boxes_xyxy >= 0) & (seen.boxes_xyxy <= np.tile((160, 128), 2))).all()
    for box, index in zip(seen.boxes_xyxy, seen.class_indices, strict=True):
        np.testing.assert_allclose(box, bounds(seen.image, index), atol=1.6)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_enclose_what_was_turned_and_slanted(seed: int) -> None:
    seen = boxed(TURNED, (160, 128), seed)
    for box, index in zip(seen.boxes_xyxy, seen.class_indices, strict=True):
        shown = np.array(bounds(seen.image, index))
        assert (shown[:2] >= box[:2] - 1.6).all()
        assert (shown[2:] <= box[2:] + 1.6).all()
        if (box > 0).all() and (box < np.tile((160, 128), 2)).all():  # not cut
            np.testing.assert_allclose(box, shown, atol=2.6)  # a sharp corner of it may be fainter than a pixel


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_generator_alone_decides(seed: int) -> None:
    first, second = (boxed(EVERYTHING, (64, 64), seed) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.boxes_xyxy, second.boxes_xyxy)
    np.testing.assert_array_equal(first.class_indices, second.class_indices)


def test_colour_changes_blur_and_noise_move_nothing() -> None:
    colours = Augmentation(hue=0.1, saturation=0.5, brightness=0.5, contrast=0.5, blur=2.0, noise=0.1)
    seen = [boxed(colours, (120, 90), seed) for seed in range(8)]
    assert len({each.image.tobytes() for each in seen}) == 8
    for each in seen:
        np.testing.assert_allclose(each.boxes_xyxy, BOXES, atol=1e-4)


def test_boxes_outside_the_window_go_with_their_classes() -> None:
    seen = [boxed(Augmentation(zoom=(4.0, 4.0)), (64, 64), seed) for seed in range(40)]
    assert {len(each.boxes_xyxy) for each in seen} >= {0, 1}
    assert all(len(each.boxes_xyxy) == len(each.class_indices) for each in seen)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.8, 1.0]))
def test_a_box_that_is_cut_stays_when_enough_of_it_is_seen(seed: int, min_visible: float) -> None:
    moved = Augmentation(translate=0.6, min_visible=0.0)
    every = boxed(moved, (120, 90), seed)
    kept = boxed(moved.model_copy(update={"min_visible": min_visible}), (120, 90), seed)
    area = {3: 40 * 50, 1: 50 * 30}  # nothing is magnified
    sides = every.boxes_xyxy[:, 2:] - every.boxes_xyxy[:, :2]
    shares = [side.prod() / area[int(index)] for side, index in zip(sides, every.class_indices, strict=True)]
    expected = [index for index, share in zip(every.class_indices, shares, strict=True) if share >= min_visible - 1e-9]
    assert kept.class_indices.tolist() == expected


def test_an_image_without_boxes_stays_without() -> None:
    seen = sample(picture(), EVERYTHING, (64, 64))
    assert seen.image.shape == (64, 64, 3)
    assert seen.boxes_xyxy.shape == (0, 4)
    assert seen.class_indices.shape == (0,)


def picture_and_mask() -> tuple[np.ndarray, np.ndarray]:
    """Class 0 is black, 1 green and 2 red."""
    mask = np.zeros((90, 120), np.uint8)
    for number, (left, top, right, bottom) in enumerate(BOXES.astype(int), 1):
        mask[top:bottom, left:right] = number
    return np.stack([200 * (mask == number).astype(np.uint8) for number in (3, 1, 2)], 2), mask


def masked(settings: Augmentation, size_wh: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    image, mask = picture_and_mask()
    seen = sample(image, settings, size_wh, seed, mask=mask)
    assert seen.mask is not None
    return seen.image, seen.mask


@pytest.mark.parametrize("geometry", [UPRIGHT, TURNED, TURNED.model_copy(update={"mosaic": 1.0})])
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mask_stays_on_its_picture(geometry: Augmentation, seed: int) -> None:
    window, moved = masked(geometry, (160, 128), seed)
    assert moved.shape == window.shape[:2] == (128, 160)
    known = moved != IGNORED
    pure = known & (window[..., 0] == 0) & np.isin(window, (0, 200)).all(2)  # neither blended nor of the border
    assert pure.sum() > 0.7 * known.sum()
    for number in (1, 2):
        np.testing.assert_array_equal(moved[pure] == number, window[pure][:, number] == 200)
    np.testing.assert_array_equal(window[moved == IGNORED][:, 0] > 0, True)  # the grey border, or blended with it


def test_a_mask_is_only_resized_by_default_and_mirrored_exactly() -> None:
    _, mask = picture_and_mask()
    np.testing.assert_array_equal(masked(Augmentation(), (120, 90))[1], mask)
    np.testing.assert_array_equal(masked(Augmentation(flip=1.0), (120, 90))[1], mask[:, ::-1])
    np.testing.assert_array_equal(masked(Augmentation(flip_vertical=1.0), (120, 90))[1], mask[::-1])
    larger = cv2.resize(mask, (360, 270), interpolation=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(masked(Augmentation(), (360, 270))[1], larger)


def test_all_tasks_see_the_same_window() -> None:
    image, mask = picture_and_mask()
    for seed in range(4):
        windows = [
            sample(image, EVERYTHING, (64, 64), seed, boxes_xyxy=BOXES, class_indices=CLASSES),
            sample(image, EVERYTHING, (64, 64), seed, mask=mask),
            sample(image, EVERYTHING, (64, 64), seed),
        ]
        for window in windows[1:]:
            np.testing.assert_array_equal(window.image, windows[0].image)


def shown_part(seed: int, crop: Augmentation) -> tuple[int, int]:
    """Columns and rows of a 200x100 image that a sample shows."""
    columns, rows = np.meshgrid(np.arange(200, dtype=np.uint8), np.arange(100, dtype=np.uint8))
    window = sample(np.stack((columns, rows, np.zeros_like(rows)), 2), crop, (200, 100), seed).image.astype(int)
    assert window[..., 2].max() == 0  # no border
    return np.ptp(window[..., 0]) + 1, np.ptp(window[..., 1]) + 1


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_crop_shows_the_share_of_the_image_that_was_asked_for_and_nothing_else(seed: int) -> None:
    width, height = shown_part(seed, Augmentation(crop=(0.2, 0.5), aspect=1.3, flip=0.5))
    assert 0.19 <= width * height / 20000 <= 0.53


def test_a_crop_changes_its_shape_as_far_as_asked_for() -> None:
    parts = [shown_part(seed, Augmentation(crop=(0.25, 0.25), aspect=4 / 3)) for seed in range(200)]
    ratios = np.array([(width / 200) / (height / 100) for width, height in parts])
    assert 0.73 <= ratios.min() < 0.8
    assert 1.25 < ratios.max() <= 1.37
    assert abs(np.log(ratios).mean()) < 0.05


@pytest.mark.parametrize(
    "values",
    [
        {"crop": [0.5, 0.2]},
        {"crop": [0.0, 1.0]},
        {"flip": 1.5},
        {"zoom": [2.0, 0.5]},
        {"aspect": 0.5},
        {"mosaic": 1.5},
        {"mosaics": 1.0},
        {"rotate": -1.0},
        {"multi_scale": [1.1, 1.5]},
        {"crop": [0.5, 1.0], "zoom": [1.0, 2.0]},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(values))):
        parse_record(Augmentation, values, source="recipe")


def test_a_network_that_cannot_learn_from_such_samples_is_told_so() -> None:
    with pytest.raises(InputError, match=r"x\.toml: augmentation\.mosaic"):
        check_augmentation(Augmentation(mosaic=0.1), "classify", source="x.toml")
    with pytest.raises(InputError, match=r"x\.toml: augmentation\.multi_scale"):
        check_augmentation(Augmentation(multi_scale=(0.5, 1.0)), "ssd", source="x.toml")
    check_augmentation(Augmentation(mosaic=1.0, multi_scale=(0.5, 2.0)), "yolo-fastestv2", source="x.toml")
    check_augmentation(Augmentation(multi_scale=(0.5, 2.0)), "classify", source="x.toml")
