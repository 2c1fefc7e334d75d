"""Tar files for the library webdataset, by its own writer, read back by its own reader before they count as written."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..data.dataset import Annotation
from ..data.formats.encoded import encoded_image
from ..data.formats.shards import MASK_ENDING
from ..errors import CheckError
from ..models.architecture import Task
from .writing import Datasets, Lost, Names, plain, toml_text, write_text

_NUM_SAMPLES = 10_000  # of a shard at most
_Sample = dict[str, Any]


def shard_writer(task: Task, megabytes: int) -> Callable[[Path, Datasets, Callable[[], None]], Lost]:
    """A `Writer` of shards that end after `megabytes`."""
    return partial(_write_shards, task, megabytes)


def _write_shards(task: Task, megabytes: int, folder: Path, datasets: Datasets, advance: Callable[[], None]) -> Lost:
    from webdataset.writer import ShardWriter  # noqa: PLC0415 (slow to import)

    first = next(iter(datasets.values()))
    values = {"format": "webdataset", "tasks": [task], "classes": list(first.labels)}
    if task == "classify":
        values["multi_label"] = first.multi_label
    for split, dataset in datasets.items():
        pattern = str(folder / f"{split}-%06d.tar").replace("%06d", "\0").replace("%", "%%").replace("\0", "%06d")
        written = hashlib.sha256()
        options = {"maxcount": _NUM_SAMPLES, "maxsize": megabytes << 20, "verbose": 0, "encoder": False, "mtime": 0}
        with ShardWriter(pattern, **options) as writer:
            for sample in _samples(dataset, task):
                writer.write(sample)
                _note(written, sample)
                advance()
        shards = sorted(folder.glob(f"{split}-*.tar"))
        _check(shards, written.hexdigest())
        last = len(shards) - 1
        values[split] = f"{split}-{{000000..{last:06d}}}.tar" if last else shards[0].name
    write_text(folder / "dataset.toml", toml_text(values))
    return Lost()


def _samples(dataset: Any, task: Task) -> Iterator[_Sample]:
    names = Names()
    for index in range(len(dataset)):
        ending, data = encoded_image(dataset, index)
        sample: _Sample = {"__key__": names.of(dataset.source(index)), ending[1:]: data}
        if task == "detect":
            sample["json"] = json.dumps(_boxes(dataset.annotation(index), dataset.labels)).encode()
        elif task == "segment":
            sample[MASK_ENDING] = cv2.imencode(".png", dataset.label_map(index))[1].tobytes()
        elif dataset.multi_label:
            classes = [dataset.labels[each] for each in dataset.class_indices(index)]
            sample["json"] = json.dumps({"classes": classes}).encode()
        else:
            sample["cls"] = str(dataset.class_indices(index)[0]).encode()
        yield sample


def _boxes(annotation: Annotation, labels: tuple[str, ...]) -> dict[str, Any]:
    is_difficult = np.zeros_like(annotation.is_crowd) if annotation.is_difficult is None else annotation.is_difficult
    objects = [
        {
            "label": labels[class_index],
            "box_xyxy": [plain(value) for value in box],
            "area": plain(area),
            "crowd": crowd,
            "difficult": difficult,
        }
        for class_index, box, area, crowd, difficult in zip(
            annotation.class_indices.tolist(),
            annotation.boxes_xyxy.tolist(),
            annotation.areas_px.tolist(),
            annotation.is_crowd.tolist(),
            is_difficult.tolist(),
            strict=True,
        )
    ]
    size = {"width": annotation.width, "height": annotation.height}
    return {"id": annotation.image_id, **size, "objects": objects}


def _check(shards: list[Path], written: str) -> None:
    """Raises `CheckError` unless the library reads what was given to it."""
    from webdataset import WebDataset  # noqa: PLC0415 (slow to import)

    found = hashlib.sha256()
    for sample in WebDataset([str(path) for path in shards], shardshuffle=False, empty_check=False):
        _note(found, {key: value for key, value in sample.items() if key == "__key__" or not key.startswith("__")})
    if found.hexdigest() != written:
        raise CheckError(f"{shards[0]}: webdataset reads other samples than were written")


def _note(digest: Any, sample: _Sample) -> None:
    for key in sorted(sample):
        value = sample[key]
        digest.update(key.encode() + hashlib.sha256(value if isinstance(value, bytes) else value.encode()).digest())
