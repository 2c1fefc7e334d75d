"""A data set of image files with annotations in memory: what the on-disk formats give once they are read."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..vision.read_image import read_image
from .dataset import Annotation


class FileDataset:
    """See `DetectionDataset`; `image_paths` and `annotations` go together by position."""

    def __init__(
        self, name: str, labels: Sequence[str], image_paths: Sequence[Path], annotations: Sequence[Annotation]
    ) -> None:
        assert len(image_paths) == len(annotations)
        self._name, self._labels = name, tuple(labels)
        self._image_paths, self._annotations = tuple(image_paths), tuple(annotations)

    @property
    def name(self) -> str:
        return self._name

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    @cached_property
    def fingerprint(self) -> str:
        """Reads every image file once; where the files lie and what they are called does not matter."""
        total = hashlib.sha256(json.dumps(self._labels).encode())
        for path, annotation in zip(self._image_paths, self._annotations, strict=True):
            total.update(hashlib.sha256(path.read_bytes()).digest())
            total.update(np.array([annotation.image_id, len(annotation.boxes_xyxy)], "<i8").tobytes())
            total.update(annotation.boxes_xyxy.astype("<f4").tobytes())
            total.update(annotation.class_indices.astype("<i8").tobytes())
            total.update(annotation.is_crowd.tobytes())
            total.update(annotation.areas_px.astype("<f4").tobytes())
        return total.hexdigest()

    def __len__(self) -> int:
        return len(self._image_paths)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken file, or one that is not of the size its annotation says."""
        path, annotation = self._image_paths[index], self._annotations[index]
        image = read_image(path)
        height, width = image.shape[:2]
        if (width, height) != (annotation.width, annotation.height):
            raise InputError(
                f"{path}: the image is {width}x{height}, its annotation says {annotation.width}x{annotation.height}"
            )
        return image

    def annotation(self, index: int) -> Annotation:
        return self._annotations[index]

    def source(self, index: int) -> str:
        return str(self._image_paths[index])
