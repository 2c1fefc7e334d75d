"""The data of a training as its recipe says: what is learnt from, what is measured on, and the batches."""

from collections.abc import Callable
from dataclasses import dataclass

from ..data.cached import Cached
from ..data.dataset import Dataset
from ..data.loader import Loader
from ..data.problems import Problems
from ..data.read_all import open_readable
from ..data.resolve import list_splits, open_split
from ..data.splits import ALL
from ..errors import InputError
from ..processes.group import Place
from ..progress import counted
from .recipe import Recipe


@dataclass(frozen=True)
class TrainingData:
    """`skipped`: the bad records that were left out, a line each."""

    train_set: Dataset
    val_set: Dataset
    skipped: tuple[str, ...]


def open_data(recipe: Recipe, say: Callable[[str], None]) -> TrainingData:
    """The `train` and `val` splits.  With `skip_bad`, every image is read once; `say` is told what was left out."""
    problems = Problems(skip=recipe.skip_bad)
    train_set, val_set = (_open(recipe, split, problems) for split in ("train", "val"))
    if train_set.labels != val_set.labels:
        raise InputError(f"DATA={recipe.data}: train has the classes {train_set.labels}, val has {val_set.labels}")
    if list_splits(recipe.data, recipe.task) == (ALL,):
        say(f"{train_set.name}: no split is held out, so the accuracy below is that on the training images")
    if problems.found:
        say(f"left out of {train_set.name} and {val_set.name}: {problems.summary()}")
    return TrainingData(Cached(train_set, recipe.cache_megabytes << 20), val_set, problems.found)


def make_loader(recipe: Recipe, train_set: Dataset, here: Place) -> Loader:
    """For this process of the training."""
    if recipe.batch_size % (here.count * recipe.accumulate):
        raise InputError(
            f"BATCH={recipe.batch_size}: must be a multiple of {here.count * recipe.accumulate}, "
            f"{here.count} processes times accumulate = {recipe.accumulate}"
        )
    loader = Loader(
        task=recipe.task,
        dataset=train_set,
        size_wh=recipe.size_wh,
        augmentation=recipe.augmentation,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        num_workers=recipe.workers,
        num_epochs=recipe.epochs,
        size_multiple=recipe.architecture.size_multiple,
        place=here,
        num_parts=recipe.accumulate,
    )
    if not loader.steps_per_epoch:
        raise InputError(f"BATCH={recipe.batch_size}: {train_set.name} has only {len(train_set)} images")
    return loader


def _open(recipe: Recipe, split: str, problems: Problems) -> Dataset:
    if not recipe.skip_bad:
        return open_split(recipe.data, split, recipe.task)
    with counted(f"reading {split}") as report:
        return open_readable(recipe.data, split, recipe.task, problems, report)
