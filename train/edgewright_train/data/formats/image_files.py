"""What all data sets of image files have in common, whatever is known of the images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...vision.read_image import read_image


class ImageFiles:
    """See `Dataset`, less the fingerprint, which covers the truth as well."""

    def __init__(self, name: str, labels: Sequence[str], image_paths: Sequence[Path]) -> None:
        self._name, self._labels, self._image_paths = name, tuple(labels), tuple(image_paths)

    @property
    def name(self) -> str:
        return self._name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def __len__(self) -> int:
        return len(self._image_paths)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken file."""
        return read_image(self._image_paths[index])

    def source(self, index: int) -> str:
        return str(self._image_paths[index])
