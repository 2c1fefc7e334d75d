"""The generated data set: shapes on a table, from a seed alone.  It needs no files and is the same everywhere."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..dataset import Annotation
from .masks import image_class, instance_map, semantic_map, visible_boxes
from .outline import LABELS
from .render import render
from .scene import Scene, sample_scene

GENERATOR_VERSION = 1  # raise it with every change that alters an image or a box
DEFAULT_SEED = 0
DEFAULT_COUNTS = {"train": 2000, "val": 200, "test": 200}
DEFAULT_SIZE_WH = (352, 352)
SMALLEST_SIDE = 64

_SPLIT_NUMBERS = {"train": 0, "val": 1, "test": 2}


class ShapesDataset:
    """One split of the generated data set; see `DetectionDataset`.  Boxes cover what is seen of a shape."""

    def __init__(
        self,
        split: str,
        *,
        seed: int = DEFAULT_SEED,
        count: int | None = None,
        size_wh: tuple[int, int] = DEFAULT_SIZE_WH,
    ) -> None:
        if split not in _SPLIT_NUMBERS:
            raise InputError(f"SPLIT={split}: the generated data set has the splits {', '.join(_SPLIT_NUMBERS)}")
        self._split, self._seed, self._size_wh = split, seed, size_wh
        self._count = DEFAULT_COUNTS[split] if count is None else count
        if self._count < 1:
            raise InputError(f"generated data set: count must be at least 1, got {self._count}")
        if min(size_wh) < SMALLEST_SIDE:
            raise InputError(f"generated data set: a side must be at least {SMALLEST_SIDE} pixels, got {size_wh}")

    @property
    def name(self) -> str:
        return f"shapes-{self._split} (generated, seed {self._seed})"

    @property
    def labels(self) -> tuple[str, ...]:
        return LABELS

    @property
    def fingerprint(self) -> str:
        width, height = self._size_wh
        made_from = f"shapes {GENERATOR_VERSION} {self._seed} {self._split} {self._count} {width}x{height}"
        return hashlib.sha256(made_from.encode()).hexdigest()

    def __len__(self) -> int:
        return self._count

    def scene(self, index: int) -> Scene:
        if not 0 <= index < self._count:
            raise IndexError(index)
        width, height = self._size_wh
        return sample_scene(self._seed, _SPLIT_NUMBERS[self._split], index, width=width, height=height)

    def image(self, index: int) -> NDArray[np.uint8]:
        return render(self.scene(index))

    def annotation(self, index: int) -> Annotation:
        scene = self.scene(index)
        instances = instance_map(scene.shapes, scene.width, scene.height)
        boxes, areas = visible_boxes(instances, len(scene.shapes))
        return Annotation(
            image_id=index,
            width=scene.width,
            height=scene.height,
            boxes_xyxy=boxes,
            class_indices=np.array([shape.class_index for shape in scene.shapes], np.int64),
            is_crowd=np.zeros(len(boxes), np.bool_),
            areas_px=areas,
        )

    def source(self, index: int) -> str:
        return f"shapes seed {self._seed}, {self._split} {index}"

    def instances(self, index: int) -> NDArray[np.uint8]:
        """(H, W): 0, or 1 + the position of the object in the annotation."""
        scene = self.scene(index)
        return instance_map(scene.shapes, scene.width, scene.height)

    def semantics(self, index: int) -> NDArray[np.uint8]:
        """(H, W): 0, or 1 + the class index."""
        return semantic_map(self.scene(index).shapes, self.instances(index))

    def image_class(self, index: int) -> int:
        """The class of the object of which most is seen."""
        scene = self.scene(index)
        return image_class(scene.shapes, self.annotation(index).areas_px)
