"""Every image and mask of a data set read once, to know which can be read at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..models.architecture import Task
from .dataset import Dataset
from .formats.chosen import Chosen
from .problems import Problems
from .resolve import open_split

_NUM_WORKERS = 4  # threads: decoding lets the interpreter go
_READ_AHEAD = 16

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Pixels:
    """Of the image at `index`; `label_map` for the task segment."""

    index: int
    image: NDArray[np.uint8]
    label_map: NDArray[np.uint8] | None


def read_all(dataset: Any, task: Task, problems: Problems, report: Report) -> Iterator[Pixels]:
    """In order.  An image or mask that cannot be read goes to `problems` and is left out."""
    read = partial(_read, dataset, task)
    with ThreadPoolExecutor(_NUM_WORKERS, thread_name_prefix="reader") as workers:
        indices = iter(range(len(dataset)))
        while chunk := list(islice(indices, _READ_AHEAD)):
            for index, pixels in zip(chunk, workers.map(read, chunk), strict=True):
                if isinstance(pixels, Pixels):
                    yield pixels
                else:
                    problems.add(pixels)
                report(index + 1, len(dataset))


def open_readable(data: str | None, split: str, task: Task, problems: Problems, report: Report) -> Dataset:
    """One split of `data` without what is wrong with it, all of which goes to `problems`.  Reads every image once.

    Raises `InputError` when nothing is left, and for what makes it unclear what the data are.
    """
    dataset = open_split(data, split, task, problems)
    indices = [pixels.index for pixels in read_all(dataset, task, problems, report)]
    if not indices:
        raise InputError(f"DATA={data}: SPLIT={split}: no image of it is right: {problems.summary()}")
    return dataset if len(indices) == len(dataset) else Chosen(dataset, indices)


def _read(dataset: Any, task: Task, index: int) -> Pixels | str:
    """Or what is wrong."""
    try:
        image = dataset.image(index)
        label_map = dataset.label_map(index) if task == "segment" else None
        if label_map is not None and label_map.shape != image.shape[:2]:
            found = "x".join(map(str, label_map.shape[::-1]))
            return f"{dataset.source(index)}: {image.shape[1]}x{image.shape[0]} pixels, its mask {found}"
    except InputError as error:
        return str(error)
    return Pixels(index, image, label_map)
