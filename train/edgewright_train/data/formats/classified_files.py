"""A data set of image files with their classes in memory."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from .image_files import ImageFiles


class ClassifiedFiles(ImageFiles):
    """See `ClassificationDataset`; `image_paths` and `class_indices` go together by position."""

    def __init__(
        self,
        name: str,
        labels: Sequence[str],
        image_paths: Sequence[Path],
        class_indices: Sequence[tuple[int, ...]],
        *,
        multi_label: bool,
    ) -> None:
        assert len(image_paths) == len(class_indices)
        super().__init__(name, labels, image_paths)
        self._class_indices, self._multi_label = tuple(class_indices), multi_label

    @property
    def multi_label(self) -> bool:
        return self._multi_label

    def class_indices(self, index: int) -> tuple[int, ...]:
        return self._class_indices[index]

    @cached_property
    def fingerprint(self) -> str:
        """Reads every image file once; where the files lie and what they are called does not matter."""
        total = hashlib.sha256(json.dumps([self._labels, self._multi_label]).encode())
        for path, indices in zip(self._image_paths, self._class_indices, strict=True):
            total.update(hashlib.sha256(path.read_bytes()).digest())
            total.update(json.dumps(indices).encode())
        return total.hexdigest()
