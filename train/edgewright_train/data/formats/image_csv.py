"""Classified images in a CSV file per split: a line per image, its path and its class, or any number of classes."""

import csv
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from ...errors import InputError
from ...schema import Record
from ..problems import Problems
from ..splits import SPLITS, Splits
from .class_names import ClassNames
from .classified_files import ClassifiedFiles
from .text_lines import numbered_lines

_Row = tuple[int, str, tuple[str, ...]]  # line number, image, classes


class CsvFiles(Record):
    """Paths in the file `csv` are below the folder `images`."""

    csv: str
    images: str = "."


class CsvConfig(Record):
    """Of a dataset.toml.  Without `classes`, those of all files, sorted."""

    format: Literal["csv"]
    multi_label: bool = False
    classes: ClassNames | None = None
    train: CsvFiles | None = None
    val: CsvFiles | None = None
    test: CsvFiles | None = None


def csv_splits(config: CsvConfig, path: Path) -> Splits[ClassifiedFiles]:
    """As the dataset.toml at `path` has it."""
    files: dict[str, CsvFiles] = {split: each for split in SPLITS if (each := getattr(config, split)) is not None}
    if not files:
        raise InputError(f"{path}: names no images; give at least one of the tables [train], [val], [test]")
    name = path.absolute().parent.name
    return {split: partial(_open, f"{name}-{split}", config, files, split, path.parent) for split in files}


def _open(
    name: str, config: CsvConfig, files: Mapping[str, CsvFiles], split: str, base: Path, problems: Problems
) -> ClassifiedFiles:
    rows = {each: _read_rows(base / file.csv, config.multi_label, problems) for each, file in files.items()}
    named = {label for listed in rows.values() for _, _, labels in listed for label in labels}
    labels = config.classes or tuple(sorted(named))
    index_of = {label: index for index, label in enumerate(labels)}
    source, folder = base / files[split].csv, base / files[split].images
    images, class_indices = [], []
    for number, image, names in rows[split]:
        if not (folder / image).is_file():
            problems.add(f"{source}:{number}: no such file: {str(folder / image)!r}")
            continue
        unknown = [each for each in names if each not in index_of]
        if unknown:
            problems.add(f"{source}:{number}: {unknown[0]!r} is none of the classes in dataset.toml")
        else:
            images.append(folder / image)
            class_indices.append(tuple(sorted({index_of[each] for each in names})))
    problems.check()
    if not images or not labels:
        raise InputError(f"{source}: names no {'images' if labels else 'classes'}; give a line per image: path,class")
    return ClassifiedFiles(name, labels, images, class_indices, multi_label=config.multi_label)


def _read_rows(path: Path, multi_label: bool, problems: Problems) -> list[_Row]:
    rows: list[_Row] = []
    line_of: dict[str, int] = {}
    for number, line in numbered_lines(path):
        if not line:
            continue
        try:
            image, *classes = (cell.strip() for cell in next(csv.reader([line], strict=True)))
        except csv.Error as error:
            problems.add(f"{path}:{number}: not CSV: {error}")
            continue
        if len(classes) != 1 and not multi_label:
            problems.add(
                f"{path}:{number}: must be path,class, got {line[:80]!r} (several classes need multi_label = true)"
            )
        elif not image or (not multi_label and not classes[0]):
            problems.add(f"{path}:{number}: must be path,class, got {line[:80]!r}")
        elif image in line_of:
            problems.add(f"{path}:{number}: {image!r} was already on line {line_of[image]}")
        else:
            line_of[image] = number
            rows.append((number, image, tuple(label for label in classes if label)))
    return rows
