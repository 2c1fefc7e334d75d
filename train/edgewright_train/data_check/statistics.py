"""Figures of one split, gathered image by image."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import IGNORED, Annotation
from ..data.read_all import Pixels
from ..models.architecture import Task

_SMALL_PX, _LARGE_PX = 32**2, 96**2  # COCO's limits of areas
_PERCENTILES = (5, 25, 50, 75, 95)
_THIN_PX = 2.0
_OVER_PX = 2.0  # less is rounding
_NUM_SIZES = 5


@dataclass
class SplitStatistics:
    """`odd`: what may be meant, but deserves a look; a line each."""

    task: Task
    labels: Sequence[str]
    num_images: int = 0
    odd: list[str] = field(default_factory=list)
    digests: dict[bytes, str] = field(default_factory=dict)
    classes_of: list[tuple[int, ...]] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    _sizes_wh: Counter[tuple[int, int]] = field(default_factory=Counter)
    _boxes: list[Annotation] = field(default_factory=list)
    _pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))

    def add(self, dataset: Any, seen: Pixels) -> None:
        """One image that could be read."""
        self.num_images += 1
        self.indices.append(seen.index)
        self._sizes_wh[seen.image.shape[1], seen.image.shape[0]] += 1
        source = dataset.source(seen.index)
        digest = hashlib.blake2b(seen.image.tobytes(), digest_size=16).digest()
        if digest in self.digests:
            self.odd.append(f"{source}: the same image as {self.digests[digest]}")
        self.digests.setdefault(digest, source)
        if self.task == "detect":
            self._add_boxes(dataset.annotation(seen.index), source)
        elif self.task == "classify":
            self.classes_of.append(dataset.class_indices(seen.index))
        else:
            assert seen.label_map is not None
            counts = np.bincount(seen.label_map.reshape(-1), minlength=256)
            self._pixels += counts
            self.classes_of.append(tuple(np.flatnonzero(counts[:IGNORED]).tolist()))

    def as_json(self) -> dict[str, Any]:
        """Everything, with names that say their unit."""
        common = {"task": self.task, "images": self.num_images, "image_sizes": self._image_sizes()}
        return common | {"detect": self._of_boxes, "classify": self._of_classes, "segment": self._of_masks}[self.task]()

    def _add_boxes(self, annotation: Annotation, source: str) -> None:
        self._boxes.append(annotation)
        self.classes_of.append(tuple(np.unique(annotation.class_indices).tolist()))
        sides = annotation.boxes_xyxy[:, 2:] - annotation.boxes_xyxy[:, :2]
        for box in annotation.boxes_xyxy[sides.min(1, initial=np.inf) < _THIN_PX]:
            self.odd.append(f"{source}: a box thinner than {_THIN_PX:g} pixels: {_shown(box)}")
        size = np.array((annotation.width, annotation.height) * 2)
        over = np.maximum(-annotation.boxes_xyxy, annotation.boxes_xyxy - size).max(1, initial=-np.inf)
        for box in annotation.boxes_xyxy[over > _OVER_PX]:
            self.odd.append(f"{source}: a box reaches over the edge: {_shown(box)} of {size[0]}x{size[1]}")
        rows = np.concatenate((annotation.boxes_xyxy, annotation.class_indices[:, None]), 1)
        distinct, counts = np.unique(rows, axis=0, return_counts=True)
        for row in distinct[counts > 1]:
            self.odd.append(f"{source}: the same box of {self.labels[int(row[4])]} twice: {_shown(row[:4])}")

    def _image_sizes(self) -> dict[str, Any]:
        widths, heights = (np.array([size[axis] for size in self._sizes_wh]) for axis in (0, 1))
        if not self._sizes_wh:
            return {}
        common = [
            {"width": w, "height": h, "images": count} for (w, h), count in self._sizes_wh.most_common(_NUM_SIZES)
        ]
        return {
            "distinct": len(self._sizes_wh),
            "least_width": int(widths.min()),
            "most_width": int(widths.max()),
            "least_height": int(heights.min()),
            "most_height": int(heights.max()),
            "most_common": common,
        }

    def _named(self, index: int) -> str:
        """The class; with its number where several have that name."""
        label = self.labels[index]
        return label if list(self.labels).count(label) == 1 else f"{label} ({index})"

    def _images_per_class(self) -> NDArray[np.int64]:
        found = np.array([index for classes in self.classes_of for index in set(classes)], np.int64)
        return np.bincount(found, minlength=len(self.labels))

    def _of_boxes(self) -> dict[str, Any]:
        per_image = np.array([len(each.boxes_xyxy) for each in self._boxes], np.int64)
        boxes = np.concatenate([each.boxes_xyxy for each in self._boxes] or [np.zeros((0, 4), np.float32)]).astype(
            np.float64
        )
        areas = np.concatenate([each.areas_px for each in self._boxes] or [np.zeros(0, np.float32)])
        is_crowd = np.concatenate([each.is_crowd for each in self._boxes] or [np.zeros(0, np.bool_)])
        classes = np.concatenate([each.class_indices for each in self._boxes] or [np.zeros(0, np.int64)])
        image_sides = np.repeat([(each.width, each.height) for each in self._boxes], per_image, 0).reshape(-1, 2)
        sides = boxes[:, 2:] - boxes[:, :2]
        wide = sides.min(1, initial=np.inf) > 0
        images, counts = self._images_per_class(), np.bincount(classes, minlength=len(self.labels))
        return {
            "classes": {
                self._named(index): {"boxes": int(counts[index]), "images": int(images[index])}
                for index in range(len(self.labels))
            },
            "boxes": len(boxes),
            "crowds": int(is_crowd.sum()),
            "difficult": int(sum(0 if each.is_difficult is None else each.is_difficult.sum() for each in self._boxes)),
            "images_without_boxes": int((per_image == 0).sum()),
            "boxes_per_image": _distribution(per_image),
            "area_shares": {
                "small": _share(areas < _SMALL_PX),
                "medium": _share((areas >= _SMALL_PX) & (areas < _LARGE_PX)),
                "large": _share(areas >= _LARGE_PX),
            },
            "width_px": _distribution(sides[:, 0]),
            "height_px": _distribution(sides[:, 1]),
            "side_of_image": _distribution(np.sqrt((sides / np.maximum(image_sides, 1)).prod(1))),
            "aspect": _distribution(sides[wide, 0] / sides[wide, 1]),
        }

    def _of_classes(self) -> dict[str, Any]:
        images = self._images_per_class()
        return {
            "classes": {self._named(index): {"images": int(images[index])} for index in range(len(self.labels))},
            "classes_per_image": _distribution(np.array([len(classes) for classes in self.classes_of], np.int64)),
        }

    def _of_masks(self) -> dict[str, Any]:
        images, known = self._images_per_class(), max(int(self._pixels[:IGNORED].sum()), 1)
        return {
            "classes": {
                self._named(index): {"pixel_share": int(self._pixels[index]) / known, "images": int(images[index])}
                for index in range(len(self.labels))
            },
            "ignored_share": int(self._pixels[IGNORED]) / max(int(self._pixels.sum()), 1),
        }


def _distribution(values: NDArray[Any]) -> dict[str, float]:
    """Of nothing, empty."""
    if not len(values):
        return {}
    percentiles = {
        f"p{p}": float(value) for p, value in zip(_PERCENTILES, np.percentile(values, _PERCENTILES), strict=True)
    }
    return {"least": float(values.min()), **percentiles, "most": float(values.max()), "mean": float(values.mean())}


def _share(chosen: NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if len(chosen) else 0.0


def _shown(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" for value in values.tolist())
