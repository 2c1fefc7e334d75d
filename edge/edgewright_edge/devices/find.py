"""What a pack finds on a device in the images of a data set: sent in batches, gathered in one file to score here."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgewright_export.pack import Pack
from edgewright_train.data.dataset import Dataset
from edgewright_train.errors import CheckError, InputError
from edgewright_train.tasks.evaluate import Thresholds
from edgewright_train.tasks.evaluation import Progress

from .connection import IMAGES
from .edgebench import DeviceEdgebench

_BATCH_BYTES = 64 << 20
_BATCH_IMAGES = 256
_SUFFIXES = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png"}  # what edgebench reads, and what it is called there
_SENT = re.compile(rf"{IMAGES}/(\d+)\.(?:jpg|png)")

Batch = dict[int, Path]  # index in the data set -> file


def find_on_device(
    edgebench: DeviceEdgebench,
    pack: Pack,
    dataset: Dataset,
    thresholds: Thresholds,
    *,
    num_threads: int,
    folder: Path,
    progress: Progress | None = None,
) -> Path:
    """A file in `folder` as `edgebench run --json` writes it; each `file_name` is the data set's `source`."""
    edgebench.put_pack(pack)
    arguments = [f"--threads={num_threads}"]
    if pack.manifest.task == "detect":
        arguments.append(f"--score={thresholds.score}")
        arguments += [f"--iou={thresholds.iou}"] if thresholds.iou is not None else []
    elif pack.manifest.task == "segment":
        arguments.append("--out=out")
    document: dict[str, Any] = {}
    images: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="edgewright-images-") as scratch:
        for batch in _batches(dataset, Path(scratch)):
            document = _find(edgebench, batch, dataset, arguments, folder / str(len(images)))
            images += document["images"]
            if progress is not None:
                progress(len(images), len(dataset))
    path = folder / "found.json"
    path.write_text(json.dumps({**document, "images": images}))
    return path


def _find(
    edgebench: DeviceEdgebench, batch: Batch, dataset: Dataset, arguments: list[str], into: Path
) -> dict[str, Any]:
    """The document of one batch, its images in order."""
    into.mkdir()
    name = edgebench.target.name
    sent = {f"{index:06}{path.suffix}": path for index, path in batch.items()}
    try:
        written = edgebench.find(sent, arguments, into)
    except (CheckError, InputError) as error:
        raise type(error)(_SENT.sub(lambda found: dataset.source(int(found[1])), str(error))) from None
    try:
        document: dict[str, Any] = json.loads(written.read_bytes())
        entries = {entry["file_name"]: entry for entry in document["images"]}
    except (ValueError, KeyError, TypeError):
        raise CheckError(f"{name}: edgebench run wrote no results, or not as it should") from None
    if entries.keys() != sent.keys():
        raise CheckError(f"{name}: edgebench run wrote the results of other images")
    for index, file_name in zip(batch, sent, strict=True):
        entry = entries[file_name]
        entry["file_name"] = dataset.source(index)
        if "label_map" in entry:
            entry["label_map"] = f"{into.name}/{Path(file_name).stem}.png"
    document["images"] = [entries[file_name] for file_name in sent]
    return document


def _batches(dataset: Dataset, scratch: Path) -> Iterator[Batch]:
    batch: Batch = {}
    size = 0
    for index in range(len(dataset)):
        path = _file(dataset, index, scratch)
        batch[index] = path
        size += path.stat().st_size
        if len(batch) == _BATCH_IMAGES or size >= _BATCH_BYTES or index == len(dataset) - 1:
            yield batch
            for made in scratch.iterdir():
                made.unlink()
            batch, size = {}, 0


def _file(dataset: Dataset, index: int, scratch: Path) -> Path:
    """The image's own file where edgebench reads such files; else its pixels as a PNG file."""
    source = Path(dataset.source(index))
    suffix = _SUFFIXES.get(source.suffix.lower())
    if suffix is not None and source.is_file():
        if suffix == source.suffix:
            return source
        link = scratch / f"{index}{suffix}"
        link.symlink_to(source.resolve())
        return link
    path = scratch / f"{index}.png"
    image: np.ndarray[Any, Any] = dataset.image(index)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return path
