"""What every data format gives, whatever it looks like on disk."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

IGNORED = 255  # in a label map: neither trained on nor evaluated
BACKGROUND = "background"  # the class of pixels that show no object, where a format has one


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Ground truth of one image; N boxes.

    Attributes:
        image_id: as in the source file where it has one, else the position; unique in a data set.
        width, height: of the stored image, pixels.
        boxes_xyxy: (N, 4) float32 in pixels of the stored image.
        class_indices: (N,) int64 into the data set's labels.
        is_crowd: (N,) bool; such a region is not trained on, and forgives detections in evaluation.
        areas_px: (N,) float32, as COCO counts them (the mask's area where the source says so).
        is_difficult: (N,) bool, VOC's flag, whether or not such a box counts as a crowd here; None: the source has no
            such flag.
    """

    image_id: int
    width: int
    height: int
    boxes_xyxy: NDArray[np.float32]
    class_indices: NDArray[np.int64]
    is_crowd: NDArray[np.bool_]
    areas_px: NDArray[np.float32]
    is_difficult: NDArray[np.bool_] | None = None


class Dataset(Protocol):
    """Random access to images.  Readers validate annotations when they are opened, images when read."""

    @property
    def name(self) -> str:
        """What a person would call it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by index."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides an evaluation: image bytes or seed, annotations, labels."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 BGR."""

    def source(self, index: int) -> str:
        """The image's file name, or what made it; for reports and error messages."""


class DetectionDataset(Dataset, Protocol):
    """With the boxes of every image."""

    def annotation(self, index: int) -> Annotation: ...


class ClassificationDataset(Dataset, Protocol):
    """With the classes of every image."""

    def class_indices(self, index: int) -> tuple[int, ...]:
        """One class, or any number where `multi_label`."""

    @property
    def multi_label(self) -> bool: ...


class SegmentationDataset(Dataset, Protocol):
    """With the class of every pixel."""

    def label_map(self, index: int) -> NDArray[np.uint8]:
        """(H, W) class indices of the stored image's pixels; `IGNORED` where nobody knows."""
