"""Batches follow from the seed and the step, whatever prepares them."""

import dataclasses

import numpy as np
import pytest
import torch

from edgewright_train.data.augment import Augmentation
from edgewright_train.data.cached import Cached
from edgewright_train.data.dataset import Annotation, Dataset
from edgewright_train.data.loader import Batch, Loader
from edgewright_train.data.shapes import ShapesDataset
from edgewright_train.data.views import ClassesOfBoxes, ClassesOfShapes, MasksOfShapes
from edgewright_train.models.architecture import Task

AUGMENTATION = Augmentation(flip=0.5, zoom=(0.7, 1.5), hue=0.02, saturation=0.3)


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


def equal(a: list[Batch], b: list[Batch]) -> bool:
    pairs = zip(a, b, strict=True)
    return all(torch.equal(x.images, y.images) and torch.equal(x.targets, y.targets) for x, y in pairs)


@pytest.fixture(scope="module")
def six_batches() -> list[Batch]:
    return list(loader().batches(0, 6))


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
    assert equal(six_batches, list(loader(num_workers=3, cache_bytes=cache_bytes).batches(0, 6)))


@pytest.mark.parametrize("first", [1, 2, 5, 6])
def test_a_training_can_go_on_from_any_step(six_batches: list[Batch], first: int) -> None:
    assert equal(six_batches[first:], list(loader(num_workers=2).batches(first, 6)))


def test_an_epoch_shows_no_image_twice_and_epochs_differ() -> None:
    keys = [loader()._keys(step) for step in range(4)]  # two steps an epoch
    for epoch in (0, 1):
        seen = keys[2 * epoch] + keys[2 * epoch + 1]
        assert {number for number, _ in seen} == {epoch}
        assert len({index for _, index in seen}) == 8
    assert [index for _, index in keys[0]] != [index for _, index in keys[2]]


def test_another_seed_gives_other_batches(six_batches: list[Batch]) -> None:
    assert not equal(six_batches, list(loader(seed=1).batches(0, 6)))


def test_leaving_early_ends_the_workers() -> None:
    batches = loader(num_workers=2).batches(0, 1000)
    next(batches)
    batches.close()
    with pytest.raises(StopIteration):
        next(batches)


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
    assert next(crowded.batches(0, 1)).targets.shape == (0, 6)


@pytest.mark.parametrize(("task", "dataset"), [(task, view) for task, views in VIEWS.items() for view in views])
def test_the_other_tasks_batches_follow_from_seed_and_step_alone_too(task: Task, dataset: Dataset) -> None:
    plain = dataclasses.replace(loader(), task=task, dataset=Cached(dataset, 0))
    helped = dataclasses.replace(plain, num_workers=3, dataset=Cached(dataset, 100_000))
    batches = list(plain.batches(0, 4))
    assert equal(batches, list(helped.batches(0, 4)))
    assert equal(batches[3:], list(plain.batches(3, 4)))


def test_targets_of_one_class_of_several_classes_and_of_every_pixel() -> None:
    plain = dataclasses.replace(loader(), augmentation=Augmentation())
    (_, index), *_ = plain._keys(0)

    one = next(dataclasses.replace(plain, task="classify", dataset=ClassesOfShapes(SHAPES)).batches(0, 1)).targets
    assert (one.shape, one.dtype) == ((4,), torch.int64)
    assert int(one[0]) == SHAPES.image_class(index)

    several = next(dataclasses.replace(plain, task="classify", dataset=ClassesOfBoxes(SHAPES)).batches(0, 1)).targets
    assert (several.shape, several.dtype) == ((4, 6), torch.float32)
    shown = np.unique(SHAPES.annotation(index).class_indices)
    np.testing.assert_array_equal(several[0].nonzero()[:, 0], shown)

    masks = next(dataclasses.replace(plain, task="segment", dataset=MasksOfShapes(SHAPES)).batches(0, 1)).targets
    assert (masks.shape, masks.dtype) == ((4, 96, 64), torch.uint8)
    assert set(np.unique(masks[0])) == {0, *(shown + 1)}


def test_a_cached_mask_is_the_mask() -> None:
    masks = MasksOfShapes(SHAPES)
    cached = Cached(masks, 1 << 20)
    for _ in range(2):
        np.testing.assert_array_equal(cached.label_map(3), masks.label_map(3))
        np.testing.assert_array_equal(cached.image(3), masks.image(3))
