"""Four images share a sample; their boxes and masks stay with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_train.data.augmentation.augment import augment
from edgewright_train.data.augmentation.settings import Augmentation
from edgewright_train.data.picture import Picture

SIZE_WH = (96, 64)
NUM_PICTURES = 40


def numbered(index: int) -> Picture:
    """Of brightness 10 + 3 x its index, with a white box, whose class is the index, in the middle."""
    image = np.full((50, 60, 3), 10 + 3 * index, np.uint8)
    image[15:35, 20:40] = 255
    mask = np.full((50, 60), index, np.uint8)
    boxes = np.array([[20, 15, 40, 35]], np.float32)
    return Picture(image=image, boxes_xyxy=boxes, class_indices=np.array([index]), mask=mask)


def mosaic(seed: int, **changes: object) -> Picture:
    changed = Augmentation(mosaic=1.0).model_copy(update=changes)
    return augment(numbered, 7, NUM_PICTURES, changed, SIZE_WH, np.random.default_rng(seed))


def corners(values: np.ndarray) -> list[int]:
    return [int(values[row, column]) for row in (0, -1) for column in (0, -1)]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_sample_s_own_image_comes_first_and_three_others_fill_it(seed: int) -> None:
    seen = mosaic(seed, zoom=(1.0, 1.5))
    assert seen.mask is not None
    assert seen.image.shape == (64, 96, 3)
    shown = corners(seen.mask)
    assert shown[0] == 7
    assert set(np.unique(seen.mask)) == set(shown)  # every pixel is of one of the four
    flat = seen.image[..., 0] != 255
    blended = np.abs(seen.image[..., 0].astype(int) - (10 + 3 * seen.mask.astype(int)))[flat] > 0
    assert blended.mean() < 0.35  # the rims of the boxes and of the images


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_follow_their_pixels_into_their_quarter(seed: int) -> None:
    seen = mosaic(seed, zoom=(0.4, 1.2), aspect=1.2, flip=0.5, flip_vertical=0.5)
    white = seen.image[..., 0] > 200
    assert seen.mask is not None
    for box, index in zip(seen.boxes_xyxy, seen.class_indices, strict=True):
        assert index in seen.mask
        low, high = np.floor(box[:2]).astype(int) + 2, np.ceil(box[2:]).astype(int) - 2
        assert white[low[1] : high[1], low[0] : high[0]].all()
    # Nothing white is left outside the boxes, but for boxes that were cut too far and rims.
    covered = np.zeros_like(white)
    for box in mosaic(seed, zoom=(0.4, 1.2), aspect=1.2, flip=0.5, flip_vertical=0.5, min_visible=0.0).boxes_xyxy:
        low, high = np.floor(box[:2]).astype(int) - 1, np.ceil(box[2:]).astype(int) + 1
        covered[max(low[1], 0) : high[1], max(low[0], 0) : high[0]] = True
    outside = white & ~covered
    assert outside.sum(0).max() <= 2 or outside.sum(1).max() <= 2  # strips below two pixels hold nothing to learn from


def test_no_box_reaches_into_another_quarter() -> None:
    for seed in range(30):
        seen = mosaic(seed, zoom=(1.5, 1.5), min_visible=0.0)
        assert seen.mask is not None
        for box, index in zip(seen.boxes_xyxy, seen.class_indices, strict=True):
            (left, top), (right, bottom) = np.rint(box[:2]).astype(int), np.rint(box[2:]).astype(int)
            assert (seen.mask[top:bottom, left:right] == index).all()


def test_partners_and_the_place_where_they_meet_follow_from_the_generator() -> None:
    first, again, other = mosaic(1), mosaic(1), mosaic(2)
    np.testing.assert_array_equal(first.image, again.image)
    assert first.image.tobytes() != other.image.tobytes()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_of_mosaics_is_the_one_asked_for(share: float) -> None:
    masks = [mosaic(seed, mosaic=share).mask for seed in range(200)]
    found = np.mean([len(set(corners(mask))) > 1 for mask in masks if mask is not None])
    assert abs(found - share) < 0.12


def test_the_last_epochs_are_without_when_asked_to() -> None:
    plain_at_the_end = Augmentation(mosaic=1.0, mosaic_off_epochs=2)
    assert [plain_at_the_end.at(epoch, 5).mosaic for epoch in range(5)] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert Augmentation(mosaic=1.0).at(4, 5).mosaic == 1.0


def test_a_data_set_of_one_image_is_its_own_partner() -> None:
    seen = augment(lambda _: numbered(3), 0, 1, Augmentation(mosaic=1.0), SIZE_WH, np.random.default_rng(0))
    assert set(seen.class_indices.tolist()) <= {3}
