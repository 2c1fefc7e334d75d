"""Reads the splits of a data set once and says what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..atomic import atomic_file
from ..data.contact_sheet import contact_sheet, varied_images
from ..data.problems import Problems
from ..data.read_all import read_all
from ..data.resolve import open_split
from ..errors import InputError
from ..models.architecture import Task
from ..progress import counted
from .report import split_text
from .statistics import SplitStatistics


@dataclass(frozen=True)
class Checked:
    """One split; `bad`: what is wrong, a line each; `sheet`: the file of its contact sheet, "" without any image."""

    name: str
    statistics: SplitStatistics
    bad: tuple[str, ...]
    sheet: str

    def text(self) -> str:
        return split_text(self.name, self.statistics.as_json(), self.statistics.odd, self.bad, self.sheet)

    def as_json(self) -> dict[str, Any]:
        found = {"looks_odd": self.statistics.odd, "bad_records": list(self.bad), "contact_sheet": self.sheet}
        return {"name": self.name, **self.statistics.as_json(), **found}


def check_split(data: str | None, split: str, task: Task, folder: Path) -> Checked:
    """Writes a contact sheet into `folder`.

    Raises `InputError` for what makes it unclear what the data are, such as a file that is missing.
    """
    problems = Problems(skip=True)
    dataset: Any = open_split(data, split, task, problems)
    statistics = SplitStatistics(task, dataset.labels)
    with counted(f"reading {dataset.name}") as report:
        for seen in read_all(dataset, task, problems, report):
            statistics.add(dataset, seen)
    chosen = [statistics.indices[place] for place in varied_images(statistics.classes_of)]
    path = folder / f"{dataset.name.replace(' ', '-').replace('/', '-')}.png"
    if chosen:
        write_png(path, contact_sheet(dataset, task, chosen))
    return Checked(dataset.name, statistics, problems.found, str(path) if chosen else "")


def find_shared_images(checked: Sequence[Checked]) -> list[str]:
    """Images of one split that are in another too: what is measured on them is no proof."""
    found = []
    for number, one in enumerate(checked):
        for other in checked[number + 1 :]:
            for digest in one.statistics.digests.keys() & other.statistics.digests.keys():
                sources = (one.statistics.digests[digest], other.statistics.digests[digest])
                found.append(f"{sources[0]} of {one.name} is the same image as {sources[1]} of {other.name}")
    return sorted(found)


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Through memory: OpenCV's own writing to a full disk only returns False."""
    if path.suffix.lower() != ".png":
        raise InputError(f"OUT={path}: a picture is written as .png")
    with atomic_file(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", image)[1].tobytes())
