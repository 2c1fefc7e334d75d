"""Data sets in tar files ("shards") with the names of webdataset, for data larger than one machine.

    000017.jpg        the image
    000017.json       its boxes or its classes, see `shard_records`
    000017.cls        the number of its class
    000017.seg.png    its mask

Samples are read at random through an index (`shard_index`), so that shuffling and resuming are as exact as with files.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ...errors import InputError
from ...models.architecture import Task
from ...schema import Record, parse_record_json
from ...vision.read_image import decode_image
from ..dataset import Annotation, Dataset
from ..problems import Problems
from ..splits import SPLITS, Offers, Opener, Splits
from .class_names import ClassNames
from .image_size import encoded_size
from .label_image import decode_label_image
from .mask_values import ERROR, MAX_CLASSES, MaskValues
from .shard_records import ClassesOfSample, read_boxes
from .shard_samples import ShardSample, expand_shards, read_samples

MASK_ENDING = "seg.png"
TruthT = TypeVar("TruthT")


class ShardsConfig(Record):
    """Of a dataset.toml; a split names a pattern of files, or several.  `tasks`: what the samples are annotated for."""

    format: Literal["webdataset"]
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    classes: ClassNames
    multi_label: bool = False
    train: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    @field_validator("train", "val", "test", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(value)
        return (value,) if isinstance(value, str) else value


class _Shards(Generic[TruthT]):
    """What the data sets of all tasks have in common.  `truths` go with `samples` by position."""

    def __init__(
        self, name: str, labels: Sequence[str], samples: Sequence[ShardSample], truths: Sequence[TruthT]
    ) -> None:
        self._name, self._labels = name, tuple(labels)
        self._samples, self._truths = tuple(samples), tuple(truths)

    @property
    def name(self) -> str:
        return self._name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def __len__(self) -> int:
        return len(self._samples)

    def encoded_image(self, index: int) -> tuple[str, bytes]:
        """Its ending with the dot, and the bytes of the file."""
        sample = self._samples[index]
        ending = sample.image_ending
        return f".{ending}", sample.members[ending].read(sample.shard)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken image."""
        return decode_image(self.encoded_image(index)[1], self.source(index))

    def source(self, index: int) -> str:
        sample = self._samples[index]
        return f"{sample.shard}:{sample.key}.{sample.image_ending}"

    @cached_property
    def fingerprint(self) -> str:
        """Reads every sample once; in which shards they lie and what they are called does not matter."""
        total = hashlib.sha256(json.dumps([type(self).__name__, self._labels]).encode())
        for sample in self._samples:
            for ending in sorted(sample.members):
                data = sample.members[ending].read(sample.shard)
                total.update(ending.encode() + hashlib.sha256(data).digest())
        return total.hexdigest()


class BoxShards(_Shards[Annotation]):
    """See `DetectionDataset`."""

    def image(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken image, or one that is not of the size its annotation says."""
        image, truth = super().image(index), self._truths[index]
        found = (image.shape[1], image.shape[0])
        if found != (truth.width, truth.height):
            said = f"its annotation says {truth.width}x{truth.height}"
            raise InputError(f"{self.source(index)}: the image is {found[0]}x{found[1]}, {said}")
        return image

    def annotation(self, index: int) -> Annotation:
        return self._truths[index]


class ClassShards(_Shards[tuple[int, ...]]):
    """See `ClassificationDataset`."""

    def __init__(self, *args: Any, multi_label: bool) -> None:
        super().__init__(*args)
        self._multi_label = multi_label

    @property
    def multi_label(self) -> bool:
        return self._multi_label

    def class_indices(self, index: int) -> tuple[int, ...]:
        return self._truths[index]


class MaskShards(_Shards[None]):
    """See `SegmentationDataset`; the numbers in the masks are class indices, and 255 where nobody knows."""

    def label_map(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken mask, one of another size than its image, or with values of no class."""
        sample = self._samples[index]
        source = f"{sample.shard}:{sample.key}.{MASK_ENDING}"
        values = decode_label_image(sample.members[MASK_ENDING].read(sample.shard), source)
        size_wh, image_wh = values.shape[::-1], encoded_size(self.encoded_image(index)[1], self.source(index))
        if size_wh != image_wh:
            sizes = f"{size_wh[0]}x{size_wh[1]}, its image {image_wh[0]}x{image_wh[1]}"
            raise InputError(f"{source}: the mask is {sizes}")
        return MaskValues(self._labels, None, ERROR).class_map(values, Path(source))


def shard_offers(config: ShardsConfig, path: Path) -> Offers:
    """As the dataset.toml at `path` has it."""
    if "segment" in config.tasks and len(config.classes) > MAX_CLASSES:
        raise InputError(f"{path}: classes: {len(config.classes)}; masks may have at most {MAX_CLASSES}")
    patterns = {split: getattr(config, split) for split in SPLITS if getattr(config, split)}
    if not patterns:
        raise InputError(f'{path}: names no shards; give at least one of train, val, test, as "train-*.tar"')
    openers: dict[Task, Callable[..., Dataset]] = {
        "detect": _open_boxes,
        "classify": partial(_open_classes, multi_label=config.multi_label),
        "segment": _open_masks,
    }

    def splits(task: Task) -> Splits[Dataset]:
        found: dict[str, Opener[Dataset]] = {}
        for split, names in patterns.items():
            name = f"{path.absolute().parent.name}-{split}"
            found[split] = partial(_open, openers[task], name, config.classes, names, path.parent)
        return found

    return {task: splits(task) for task in config.tasks}


def _open(
    opener: Callable[..., Dataset],
    name: str,
    labels: Sequence[str],
    patterns: Sequence[str],
    base: Path,
    problems: Problems,
) -> Dataset:
    samples = read_samples(expand_shards(patterns, base), problems)
    dataset = opener(name, labels, samples, problems)
    problems.check()
    if not len(dataset):
        raise InputError(f"{base / patterns[0]}: holds no samples")
    return dataset


def _with_truths(
    samples: Sequence[ShardSample], truth: Callable[[int, ShardSample], TruthT], problems: Problems
) -> tuple[list[ShardSample], list[TruthT]]:
    """Those of which nothing is wrong."""
    right: list[ShardSample] = []
    truths: list[TruthT] = []
    for sample in samples:
        try:
            assert sample.image_ending
            truths.append(truth(len(right), sample))
            right.append(sample.without_texts())
        except InputError as error:
            problems.add(str(error))
    return right, truths


def _open_boxes(name: str, labels: Sequence[str], samples: Sequence[ShardSample], problems: Problems) -> BoxShards:
    index_of = {label: index for index, label in enumerate(labels)}
    id_of: dict[int, str] = {}

    def truth(position: int, sample: ShardSample) -> Annotation:
        source = f"{sample.where}.json"
        found = read_boxes(sample.text("json"), source, position, index_of, problems)
        if found.image_id in id_of:
            raise InputError(f"{source}: id: {found.image_id} is used twice, also by {id_of[found.image_id]}")
        id_of[found.image_id] = source
        return found

    return BoxShards(name, labels, *_with_truths(samples, truth, problems))


def _open_classes(
    name: str, labels: Sequence[str], samples: Sequence[ShardSample], problems: Problems, *, multi_label: bool
) -> ClassShards:
    index_of = {label: index for index, label in enumerate(labels)}

    def several(_: int, sample: ShardSample) -> tuple[int, ...]:
        record = parse_record_json(ClassesOfSample, sample.text("json"), source=f"{sample.where}.json")
        unknown = [each for each in record.classes if each not in index_of]
        if unknown:
            raise InputError(f"{sample.where}.json: classes: {unknown[0]!r} is none of those in dataset.toml")
        return tuple(sorted({index_of[each] for each in record.classes}))

    def one(_: int, sample: ShardSample) -> tuple[int, ...]:
        text = sample.text("cls").strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 9 and int(text) < len(labels)):
            raise InputError(f"{sample.where}.cls: must be a number from 0 to {len(labels) - 1}, got {text[:40]!r}")
        return (int(text),)

    truths = _with_truths(samples, several if multi_label else one, problems)
    return ClassShards(name, labels, *truths, multi_label=multi_label)


def _open_masks(name: str, labels: Sequence[str], samples: Sequence[ShardSample], problems: Problems) -> MaskShards:
    def truth(_: int, sample: ShardSample) -> None:
        if MASK_ENDING not in sample.members:
            raise InputError(f"{sample.where}: no mask, looked for {sample.key}.{MASK_ENDING}")

    return MaskShards(name, labels, *_with_truths(samples, truth, problems))
