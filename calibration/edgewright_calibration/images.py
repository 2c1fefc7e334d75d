"""The calibration set: a few images that a seed chooses from any data, checked before a network sees them."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewright_train.data.dataset import IGNORED, Dataset
from edgewright_train.data.resolve import GENERATED, UnknownFolderError, open_images
from edgewright_train.errors import InputError
from edgewright_train.models.architecture import Task

from .image_folder import ImageFolder
from .stratify import stratified_choice

SMALLEST_COUNT, LARGEST_COUNT = 8, 4096
_MAX_MASKS = 1000  # a class map has to be decoded before it says what it shows


@dataclass(frozen=True)
class CalibrationImage:
    """`sha256`: of the decoded pixels and their size, which is what ranges depend on."""

    name: str
    sha256: str


@dataclass(frozen=True)
class CalibrationImages:
    """Iterating reads one image at a time: (name, (H, W, 3) uint8 BGR).

    Attributes:
        split: as it was asked for; null where the data have none.
        seed: that chose them.
        entries: the images, in the order in which they are used.
    """

    dataset: Dataset
    split: str | None
    seed: int
    indices: tuple[int, ...]
    entries: tuple[CalibrationImage, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        for index, entry in zip(self.indices, self.entries, strict=True):
            yield entry.name, self.dataset.image(index)


def calibration_images(
    data: str | None, split: str, task: Task, *, count: int = 64, seed: int = 0
) -> CalibrationImages:
    """Choose `count` images of `data`, or all where there are fewer, and look at each once.

    `data` as `open_split` takes it, labelled for any task, or a folder of images; labelled ones are stratified by
    class.  Nothing or `GENERATED` means generated images, with a warning on stderr.  Raises `InputError`.
    """
    if not SMALLEST_COUNT <= count <= LARGEST_COUNT:
        raise InputError(f"CALIBRATION={count}: must be a whole number from {SMALLEST_COUNT} to {LARGEST_COUNT}")
    if not 0 <= seed < 1 << 63:
        raise InputError(f"SEED={seed}: must be a whole number from 0 to {(1 << 63) - 1}")
    dataset = _open(data, split, task)
    source = f"DATA={data or GENERATED}"
    if len(dataset) < SMALLEST_COUNT:
        raise InputError(f"{source}: {len(dataset)} images; calibration needs at least {SMALLEST_COUNT}")
    labelled = not isinstance(dataset, ImageFolder)
    indices = _stratified(dataset, count, seed, source) if labelled else _sampled(len(dataset), count, seed)
    entries = _checked(dataset, indices, source)
    return CalibrationImages(dataset, split if labelled else None, seed, tuple(indices), entries)


def identify(dataset: Dataset, index: int, pixels: NDArray[np.uint8]) -> CalibrationImage:
    """`pixels`: of the image, (H, W, 3) BGR."""
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width}x{height} BGR ".encode() + pixels.tobytes()).hexdigest()
    return CalibrationImage(PurePath(dataset.source(index)).name, digest)


def _open(data: str | None, split: str, task: Task) -> Dataset:
    if not data or data == GENERATED:
        print(
            "warning: no DATA= given, calibrating on generated images: "
            "ranges of a network that was trained on others may be wrong",
            file=sys.stderr,
        )
    try:
        return open_images(data, split, task)
    except UnknownFolderError as error:
        folder = ImageFolder(Path(data or ""))
        if len(folder) == 0:
            raise InputError(f"{error}; and it holds no images itself") from None
        return folder


def _sampled(num_images: int, count: int, seed: int) -> list[int]:
    return [int(index) for index in np.random.default_rng(seed).permutation(num_images)[:count]]


def _stratified(dataset: Dataset, count: int, seed: int, source: str) -> list[int]:
    """Raises `InputError` when all chosen images show one and the same class, of several that the data set has."""
    has_masks = hasattr(dataset, "label_map")
    candidates = _sampled(len(dataset), _MAX_MASKS, seed) if has_masks else list(range(len(dataset)))
    shown = [_classes_shown(dataset, index) for index in candidates]
    chosen = stratified_choice(shown, count, seed)
    classes = {tuple(shown[position]) for position in chosen}
    if len(dataset.labels) > 1 and len(classes) == 1 and len(only := classes.pop()) == 1:
        raise InputError(
            f"{source}: all {len(chosen)} calibration images show the class {dataset.labels[only[0]]!r} alone, of "
            f"{len(dataset.labels)} classes; give more, or a folder of images without labels to calibrate on them as is"
        )
    return [candidates[position] for position in chosen]


def _classes_shown(dataset: Any, index: int) -> Sequence[int]:
    """Ascending, each once."""
    if hasattr(dataset, "annotation"):
        return np.unique(dataset.annotation(index).class_indices).tolist()
    if hasattr(dataset, "class_indices"):
        return sorted(set(dataset.class_indices(index)))
    return [label for label in np.unique(dataset.label_map(index)).tolist() if label != IGNORED]


def _checked(dataset: Dataset, indices: Sequence[int], source: str) -> tuple[CalibrationImage, ...]:
    """Raises `InputError` for images from which nothing can be learnt, and naming the file that cannot be read."""
    entries, num_black, num_flat = [], 0, 0
    for index in indices:
        pixels = dataset.image(index)
        entries.append(identify(dataset, index, pixels))
        num_black += not pixels.any()
        num_flat += bool((pixels == pixels[0, 0]).all())
    total, num_different = len(entries), len({entry.sha256 for entry in entries})
    if num_black == total:
        raise InputError(f"{source}: all {total} calibration images are black")
    if num_flat == total:
        raise InputError(f"{source}: all {total} calibration images are of a single colour each")
    if num_different == 1:
        raise InputError(f"{source}: all {total} calibration images are identical")
    if num_different < SMALLEST_COUNT:
        raise InputError(
            f"{source}: only {num_different} of {total} calibration images differ; at least {SMALLEST_COUNT} must"
        )
    return tuple(entries)
