"""A data set of image files with annotations in memory: what the on-disk formats give once they are read."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..dataset import Annotation
from .image_files import ImageFiles


class FileDataset(ImageFiles):
    """See `DetectionDataset`; `image_paths` and `annotations` go together by position."""

    def __init__(
        self, name: str, labels: Sequence[str], image_paths: Sequence[Path], annotations: Sequence[Annotation]
    ) -> None:
        assert len(image_paths) == len(annotations)
        super().__init__(name, labels, image_paths)
        self._annotations = tuple(annotations)

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

    def image(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken file, or one that is not of the size its annotation says."""
        image, annotation = super().image(index), self._annotations[index]
        height, width = image.shape[:2]
        if (width, height) != (annotation.width, annotation.height):
            raise InputError(
                f"{self.source(index)}: the image is {width}x{height}, "
                f"its annotation says {annotation.width}x{annotation.height}"
            )
        return image

    def annotation(self, index: int) -> Annotation:
        return self._annotations[index]
