"""Batches follow from the seed and the step, whatever prepares them."""

import dataclasses

import numpy as np
import pytest
import torch

from edgewright_train.data.augmentation.settings import Augmentation
from edgewright_train.data.cached import Cached
from edgewright_train.data.dataset import Annotation, Dataset
from edgewright_train.data.loader import Batch, Loader
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.data.views import ClassesOfBoxes, ClassesOfShapes, MasksOfShapes
from edgewright_train.models.architecture import Task

AUGMENTATION = Augmentation(
    flip=0.5, flip_vertical=0.5, zoom=(0.7, 1.5), rotate=10, hue=0.02, saturation=0.3, blur=1, noise=0.02, erase=0.3
)
MANY_SIZES = AUGMENTATION.model_copy(update={"mosaic": 0.5, "mosaic_off_epochs": 1, "multi_scale": (0.5, 2.0)})


def loader(*, num_workers: int = 1, seed: int = 0, cache_bytes: int = 0) -> Loader:
    return Loader(
        dataset=Cached(ShapesDataset("train", count=10, size_wh=(80, 64)), cache_bytes),
        size_wh=(64, 96),
        augmentation=AUGMENTATION,
        batch_size=4,
        seed=seed,
        num_workers=num_workers,
    )


SHAPES = ShapesDataset("train", count=10, size_wh=(80, 64))
VIEWS: dict[Task, list[Dataset]] = {
    "classify": [ClassesOfShapes(SHAPES), ClassesOfBoxes(SHAPES)],
    "segment": [MasksOfShapes(SHAPES)],
}


def batches(loader: Loader, first_step: int, num_steps: int) -> list[Batch]:
    return [batch for (batch,) in loader.batches(first_step, num_steps)]


def equal(a: list[Batch], b: list[Batch]) -> bool:
    pairs = zip(a, b, strict=True)
    return all(torch.equal(x.images, y.images) and torch.equal(x.targets, y.targets) for x, y in pairs)


@pytest.fixture(scope="module")
def six_batches() -> list[Batch]:
    return batches(loader(), 0, 6)


def test_batches_are_of_the_size_asked_for_and_channels_last(six_batches: list[Batch]) -> None:
    assert len(six_batches) == 6
    for batch in six_batches:
        assert batch.images.shape == (4, 3, 96, 64)
        assert batch.images.dtype == torch.uint8
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert batch.targets.shape[1] == 6
        assert ((batch.targets[:, 2:] >= 0) & (batch.targets[:, 2:] <= 1)).all()


@pytest.mark.parametrize("cache_bytes", [0, 40_000, 1 << 20])
def test_the_number_of_workers_and_the_cache_change_nothing(six_batches: list[Batch], cache_bytes: int) -> None:
    assert equal(six_batches, batches(loader(num_workers=3, cache_bytes=cache_bytes), 0, 6))


@pytest.mark.parametrize("first", [1, 2, 5, 6])
def test_a_training_can_go_on_from_any_step(six_batches: list[Batch], first: int) -> None:
    assert equal(six_batches[first:], batches(loader(num_workers=2), first, 6))


def test_an_epoch_shows_no_image_twice_and_epochs_differ() -> None:
    keys = [loader()._keys(step) for step in range(4)]  # two steps an epoch
    for epoch in (0, 1):
        seen = keys[2 * epoch] + keys[2 * epoch + 1]
        assert {number for number, _ in seen} == {epoch}
        assert len({index for _, index in seen}) == 8
    assert [index for _, index in keys[0]] != [index for _, index in keys[2]]


def test_another_seed_gives_other_batches(six_batches: list[Batch]) -> None:
    assert not equal(six_batches, batches(loader(seed=1), 0, 6))


def test_leaving_early_ends_the_workers() -> None:
    endless = loader(num_workers=2).batches(0, 1000)
    next(endless)
    endless.close()
    with pytest.raises(StopIteration):
        next(endless)


@pytest.fixture(scope="module")
def many_sizes() -> Loader:
    return dataclasses.replace(loader(), augmentation=MANY_SIZES, size_multiple=16, num_epochs=4)


def test_the_size_of_a_batch_follows_from_the_seed_and_the_step(many_sizes: Loader) -> None:
    found = batches(many_sizes, 0, 8)
    assert equal(found, batches(dataclasses.replace(many_sizes, num_workers=3), 0, 8))
    assert equal(found[5:], batches(many_sizes, 5, 8))
    sizes = [(batch.images.shape[3], batch.images.shape[2]) for batch in found]
    assert len(set(sizes)) > 3
    another = dataclasses.replace(many_sizes, seed=1)
    assert sizes != [(batch.images.shape[3], batch.images.shape[2]) for batch in batches(another, 0, 8)]


def test_sizes_are_multiples_that_the_network_takes_and_span_the_range(many_sizes: Loader) -> None:
    sizes = np.array([many_sizes._size_wh(step) for step in range(300)])
    assert (sizes % 16 == 0).all()
    np.testing.assert_array_equal(sizes.min(0), (32, 48))
    np.testing.assert_array_equal(sizes.max(0), (128, 192))
    assert (np.abs(sizes[:, 1] - 1.5 * sizes[:, 0]) <= 16).all()  # the sides grow together


def test_the_last_epoch_is_without_mosaic(many_sizes: Loader) -> None:
    plain = dataclasses.replace(many_sizes, augmentation=MANY_SIZES.model_copy(update={"mosaic": 0.0}))
    found, expected = batches(many_sizes, 0, 8), batches(plain, 0, 8)  # two steps an epoch
    assert not equal(found[4:6], expected[4:6])
    assert equal(found[6:], expected[6:])


def test_an_unreadable_image_reaches_the_caller() -> None:
    class Broken(ShapesDataset):
        def image(self, index: int) -> np.ndarray:
            raise ValueError(f"image {index} is broken")

    broken = dataclasses.replace(loader(), dataset=Broken("train", count=4))
    with pytest.raises(ValueError, match="is broken"):
        next(broken.batches(0, 2))


def test_crowd_regions_are_not_learnt() -> None:
    class Crowded(ShapesDataset):
        def annotation(self, index: int) -> Annotation:
            plain = super().annotation(index)
            return dataclasses.replace(plain, is_crowd=np.ones(len(plain.boxes_xyxy), bool))

    crowded = dataclasses.replace(loader(), dataset=Crowded("train", count=4))
    assert batches(crowded, 0, 1)[0].targets.shape == (0, 6)


@pytest.mark.parametrize(("task", "dataset"), [(task, view) for task, views in VIEWS.items() for view in views])
def test_the_other_tasks_batches_follow_from_seed_and_step_alone_too(task: Task, dataset: Dataset) -> None:
    plain = dataclasses.replace(loader(), task=task, dataset=Cached(dataset, 0))
    helped = dataclasses.replace(plain, num_workers=3, dataset=Cached(dataset, 100_000))
    found = batches(plain, 0, 4)
    assert equal(found, batches(helped, 0, 4))
    assert equal(found[3:], batches(plain, 3, 4))


def test_targets_of_one_class_of_several_classes_and_of_every_pixel() -> None:
    plain = dataclasses.replace(loader(), augmentation=Augmentation())
    (_, index), *_ = plain._keys(0)

    one = batches(dataclasses.replace(plain, task="classify", dataset=ClassesOfShapes(SHAPES)), 0, 1)[0].targets
    assert (one.shape, one.dtype) == ((4,), torch.int64)
    assert int(one[0]) == SHAPES.image_class(index)

    several = batches(dataclasses.replace(plain, task="classify", dataset=ClassesOfBoxes(SHAPES)), 0, 1)[0].targets
    assert (several.shape, several.dtype) == ((4, 6), torch.float32)
    shown = np.unique(SHAPES.annotation(index).class_indices)
    np.testing.assert_array_equal(several[0].nonzero()[:, 0], shown)

    masks = batches(dataclasses.replace(plain, task="segment", dataset=MasksOfShapes(SHAPES)), 0, 1)[0].targets
    assert (masks.shape, masks.dtype) == ((4, 96, 64), torch.uint8)
    assert set(np.unique(masks[0])) == {0, *(shown + 1)}


def test_a_cached_mask_is_the_mask() -> None:
    masks = MasksOfShapes(SHAPES)
    cached = Cached(masks, 1 << 20)
    for _ in range(2):
        np.testing.assert_array_equal(cached.label_map(3), masks.label_map(3))
        np.testing.assert_array_equal(cached.image(3), masks.image(3))
