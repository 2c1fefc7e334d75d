"""The generated data set: boxes, masks and classes agree with each other and with nothing but the seed."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_train.data.shapes.dataset import GENERATOR_VERSION, ShapesDataset
from edgewright_train.data.shapes.masks import Shape, instance_map, visible_boxes, visible_fractions
from edgewright_train.data.shapes.outline import LABELS
from edgewright_train.data.shapes.render import render
from edgewright_train.data.shapes.scene import MAX_SHAPES, MIN_VISIBLE, sample_scene
from edgewright_train.errors import InputError

SIDES = st.integers(64, 400)


def square(x: float, y: float, radius: float = 20.0) -> Shape:
    index = LABELS.index("square")
    return Shape(class_index=index, centre_xy=(x, y), radius_px=radius, angle=0.0, squeeze=1.0, colour_bgr=(9, 90, 200))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 2**40), SIDES, SIDES)
def test_any_scene_is_consistent(seed, index, width, height):
    scene = sample_scene(seed, 0, index, width=width, height=height)
    assert 1 <= len(scene.shapes) <= MAX_SHAPES
    instances = instance_map(scene.shapes, width, height)
    boxes, areas = visible_boxes(instances, len(scene.shapes))
    image = render(scene)
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    for position, (left, top, right, bottom) in enumerate(boxes.astype(int).tolist()):
        seen = instances == position + 1
        assert areas[position] == seen.sum() > 0
        outside = seen.copy()
        outside[top:bottom, left:right] = False
        assert not outside.any()
        assert seen[top, :].any()
        assert seen[bottom - 1, :].any()
        assert seen[:, left].any()
        assert seen[:, right - 1].any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_no_shape_is_hidden_more_than_allowed(seed):
    scene = sample_scene(seed, 1, 0, width=352, height=352)
    assert min(visible_fractions(scene.shapes, 352, 352)) >= MIN_VISIBLE


def test_an_image_depends_on_its_own_number_only():
    many, few = ShapesDataset("train", seed=3, count=50), ShapesDataset("train", seed=3, count=8)
    with ThreadPoolExecutor(4) as threads:
        shuffled = dict(zip(range(7, -1, -1), threads.map(many.image, range(7, -1, -1)), strict=True))
    for index in range(8):
        np.testing.assert_array_equal(shuffled[index], few.image(index))


def test_images_are_the_same_with_and_without_simd():
    dataset = ShapesDataset("val", seed=11, count=60)
    fast = [dataset.image(index) for index in range(60)]
    cv2.setUseOptimized(False)
    try:
        plain = [dataset.image(index) for index in range(60)]
    finally:
        cv2.setUseOptimized(True)
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_change_of_the_generator_raises_its_version():
    dataset = ShapesDataset("val", count=12)
    digest = hashlib.sha256()
    for index in range(12):
        digest.update(dataset.image(index).tobytes() + dataset.annotation(index).boxes_xyxy.tobytes())
    assert (GENERATOR_VERSION, digest.hexdigest()[:16]) == (1, "803b49c16b1ce936")


def test_splits_and_seeds_share_no_image():
    images = {
        ShapesDataset(split, seed=seed, count=6).image(index).tobytes()
        for split in ("train", "val", "test")
        for seed in (0, 1)
        for index in range(6)
    }
    assert len(images) == 36


def test_a_shape_in_front_takes_its_pixels_from_the_one_behind():
    behind, in_front = square(50, 50), square(60, 50)
    alone = instance_map([behind], 100, 100)
    both = instance_map([behind, in_front], 100, 100)
    np.testing.assert_array_equal(both == 2, instance_map([in_front], 100, 100) == 1)
    np.testing.assert_array_equal(both == 1, (alone == 1) & (both != 2))


def test_the_hole_of_a_ring_shows_what_is_behind():
    dataset = ShapesDataset("train")
    ring = Shape(
        class_index=dataset.labels.index("ring"),
        centre_xy=(50.0, 50.0),
        radius_px=30.0,
        angle=0.0,
        squeeze=1.0,
        colour_bgr=(0, 0, 255),
    )
    assert instance_map([ring], 100, 100)[50, 50] == 0
    assert instance_map([square(50, 50), ring], 100, 100)[50, 50] == 1


def test_visible_fraction_counts_what_is_outside_the_image_as_hidden():
    fractions = visible_fractions([square(0, 50), square(70, 50)], 100, 100)
    assert fractions[0] == pytest.approx(0.5, abs=0.06)
    assert fractions[1] == 1.0


def test_masks_boxes_and_the_class_of_the_image_come_from_one_scene():
    dataset = ShapesDataset("train", count=20)
    for index in range(20):
        annotation, instances, semantics = dataset.annotation(index), dataset.instances(index), dataset.semantics(index)
        assert set(np.unique(instances)) - {0} == set(range(1, len(annotation.boxes_xyxy) + 1))
        for position, class_index in enumerate(annotation.class_indices):
            assert (semantics[instances == position + 1] == class_index + 1).all()
        assert (semantics[instances == 0] == 0).all()
        assert dataset.image_class(index) == annotation.class_indices[annotation.areas_px.argmax()]


def test_all_classes_occur_about_equally_often():
    dataset = ShapesDataset("train", count=300)
    classes = np.concatenate([dataset.annotation(index).class_indices for index in range(300)])
    counts = np.bincount(classes, minlength=len(LABELS))
    assert counts.min() > 0.7 * counts.mean()


def test_most_objects_are_large_enough_to_be_seen_by_a_detector():
    dataset = ShapesDataset("train", count=200)
    boxes = np.concatenate([dataset.annotation(index).boxes_xyxy for index in range(200)])
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    assert (longer >= 24).mean() > 0.9


def test_the_fingerprint_tells_apart_everything_that_changes_an_image():
    prints = {
        dataset.fingerprint
        for dataset in (
            ShapesDataset("train"),
            ShapesDataset("val"),
            ShapesDataset("train", seed=1),
            ShapesDataset("train", count=7),
            ShapesDataset("train", size_wh=(96, 64)),
            ShapesDataset("train", size_wh=(64, 96)),
        )
    }
    assert len(prints) == 6
    assert ShapesDataset("val", seed=5).fingerprint == ShapesDataset("val", seed=5).fingerprint


def test_wrong_parameters_are_named():
    with pytest.raises(InputError, match=r"SPLIT=dev: .*train, val, test"):
        ShapesDataset("dev")
    with pytest.raises(InputError, match="count must be at least 1, got 0"):
        ShapesDataset("train", count=0)
    with pytest.raises(InputError, match=r"at least 64 pixels, got \(32, 96\)"):
        ShapesDataset("train", size_wh=(32, 96))
    with pytest.raises(IndexError):
        ShapesDataset("train", count=3).image(3)
