"""Which class the numbers in a mask stand for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..dataset import IGNORED

IGNORE = "ignore"  # in place of a class: nobody knows
ERROR = "error"  # what `unlisted` may say: no mask holds such a value
MAX_VALUE = 65535
MAX_CLASSES = 254
_UNKNOWN = 254
_NUM_SHOWN = 5


class MaskValues:
    """From the numbers of a mask to class indices.

    `ids`: number -> class name or `IGNORE`; without it, class indices stand in the masks, and `IGNORED` as itself.
    `unlisted`: what other numbers are: a class name, `IGNORE` or `ERROR`.
    """

    def __init__(self, classes: Sequence[str], ids: Mapping[int, str] | None, unlisted: str) -> None:
        assert len(classes) <= MAX_CLASSES
        index_of = {name: index for index, name in enumerate(classes)} | {IGNORE: IGNORED, ERROR: _UNKNOWN}
        listed = {**dict(enumerate(classes)), IGNORED: IGNORE} if ids is None else ids
        self._table = np.full(MAX_VALUE + 1, index_of[unlisted], np.uint8)
        self._table[list(listed)] = [index_of[name] for name in listed.values()]

    def class_map(self, values: NDArray[np.uint16], path: Path) -> NDArray[np.uint8]:
        """(H, W) to (H, W).  Raises `InputError` naming the values of `path` that stand for nothing."""
        labels: NDArray[np.uint8] = self._table[values]
        wrong = labels == _UNKNOWN
        if wrong.any():
            found, counts = np.unique(values[wrong], return_counts=True)
            shown = [f"{value} ({count} pixels)" for value, count in zip(found, counts, strict=True)]
            more = f" and {len(shown) - _NUM_SHOWN} more" if len(shown) > _NUM_SHOWN else ""
            raise InputError(
                f"{path}: holds values that stand for no class: {', '.join(shown[:_NUM_SHOWN])}{more}; "
                "list them in [ids] of dataset.toml, or say there what unlisted ones are"
            )
        return labels

    def digest_bytes(self) -> bytes:
        """What tells two of these apart."""
        return self._table.tobytes()
