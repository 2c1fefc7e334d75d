"""What the writers of all formats share."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..data.formats.encoded import encoded_image

Datasets = Mapping[str, Any]
"""By split: "train", "val" or "test"."""

Lost = Counter[str]
"""What the format could not hold, and how often."""


class Writer(Protocol):
    def __call__(self, folder: Path, datasets: Datasets, advance: Callable[[], None]) -> Lost:
        """Write into an empty `folder`, with a dataset.toml that reads it; calls `advance` after each image."""


class Names:
    """A name for every image, after that of its file: letters, digits, `_` and `-` only, and none twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, source: str) -> str:
        wanted = re.sub(r"[^A-Za-z0-9_-]", "_", Path(source).stem)[:100] or "_"
        name, number = wanted, 2
        while name.lower() in self._taken:
            name, number = f"{wanted}-{number}", number + 1
        self._taken.add(name.lower())
        return name


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def copy_image(dataset: Any, index: int, path: Path) -> Path:
    """`path` with the ending that the image has."""
    ending, data = encoded_image(dataset, index)
    path = path.with_name(path.name + ending)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def toml_text(values: Mapping[str, Any]) -> str:
    """Strings, booleans and lists of strings, which TOML writes as JSON does."""
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def plain(value: float) -> int | float:
    """Without a fraction of nought."""
    return int(value) if float(value).is_integer() else float(value)
