"""Darknet (YOLO) label files: a line per object, `class centre-x centre-y width height`, relative to the image."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..problems import Problems
from .text_lines import numbered_lines

_SLACK = 1e-3  # writers round, so a box may reach over the edge a little
_LEAST = {"x": -_SLACK, "y": -_SLACK, "width": 0.0, "height": 0.0}
_COLUMNS = ("class index", *_LEAST)
_IMAGE_FOLDERS = ("images", "JPEGImages")


def label_path(image: Path, ending: str = ".txt") -> Path:
    """With `labels/` for the last `images/` (or `JPEGImages/`) of the path, unless a file is only beside the image.

    Only the extension of the name is replaced, so folders and names may hold dots.
    """
    parts = list(image.parts)
    beside = image.with_name(image.stem + ending)
    for position in reversed(range(len(parts) - 1)):
        if parts[position] in _IMAGE_FOLDERS:
            mapped = Path(*parts[:position], "labels", *parts[position + 1 : -1], beside.name)
            return beside if beside.is_file() and not mapped.is_file() else mapped
    return beside


def read_labels(path: Path, num_classes: int, problems: Problems) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """boxes_cxcywh_norm (N, 4) and class indices (N,); wrong lines go to `problems` as `file:line: ...`."""
    rows: list[list[float]] = []
    for number, line in numbered_lines(path):
        columns = line.split("#", 1)[0].split()
        if not columns:
            continue
        row, wrong = _parse(columns, num_classes)
        if wrong:
            problems.add(f"{path}:{number}: {wrong}")
        else:
            rows.append(row)
    table = np.array(rows, np.float64).reshape(-1, len(_COLUMNS))
    return table[:, 1:], table[:, 0].astype(np.int64)


def _parse(columns: list[str], num_classes: int) -> tuple[list[float], str]:
    """The five numbers, and what is wrong with them ("" for nothing)."""
    if len(columns) != len(_COLUMNS):
        return [], f"has {len(columns)} columns, must have 5: {', '.join(_COLUMNS)}"
    row: list[float] = []
    for name, text in zip(_COLUMNS, columns, strict=True):
        try:
            row.append(float(text))
        except ValueError:
            return [], f"{name}: must be a number, got {text[:40]!r}"
    class_index, *place = row
    if not class_index.is_integer() or not 0 <= class_index < num_classes:
        return [], f"class index must be a whole number from 0 to {num_classes - 1}, got {columns[0]}"
    for (name, least), value, text in zip(_LEAST.items(), place, columns[1:], strict=True):
        if not least <= value <= 1 + _SLACK:
            return [], f"{name} must be from 0 to 1, relative to the image, got {text}"
    return row, ""
