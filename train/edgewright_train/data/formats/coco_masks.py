"""Semantic label maps from COCO's segmentations: polygons and run lengths, rasterised as pycocotools does.

Class 0 is the background.  Where objects of several classes claim a pixel, the smallest of them has it, as what is
small lies in front.  Crowd regions show their class like other objects.  An object without a segmentation has all
pixels of its box that no other claims ignored: nobody knows which of them are its own.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..dataset import BACKGROUND, IGNORED
from ..problems import Problems
from .coco_json import CocoFile, Json, read_coco
from .image_files import ImageFiles
from .mask_values import MAX_CLASSES
from .run_lengths import BadRunLengthsError, run_length_mask

_NUM_COORDINATES = 100_000  # of one object; published COCO has some thousands


class CocoMasks(ImageFiles):
    """See `SegmentationDataset`."""

    def __init__(self, file: CocoFile) -> None:
        super().__init__(f"{file.name} masks", (BACKGROUND, *file.labels), file.image_paths)
        self._sizes_wh = [(record["width"], record["height"]) for record in file.images.values()]
        self._objects = [
            [_Object(each, 1 + file.class_of_category[each["category_id"]]) for each in file.objects[image_id]]
            for image_id in file.images
        ]

    def image(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken file, or one that is not of the size its annotation says."""
        image = super().image(index)
        found, said = (image.shape[1], image.shape[0]), self._sizes_wh[index]
        if found != said:
            raise InputError(
                f"{self.source(index)}: the image is {found[0]}x{found[1]}, its annotation says {said[0]}x{said[1]}"
            )
        return image

    def label_map(self, index: int) -> NDArray[np.uint8]:
        width, height = self._sizes_wh[index]
        labels = np.zeros((height, width), np.uint8)
        for each in self._objects[index]:
            if not each.segmentation:
                left, top, right, bottom = each.box_pixels(width, height)
                labels[top:bottom, left:right] = IGNORED
        for each in sorted(self._objects[index], key=lambda each: -each.area_px):
            if each.segmentation:
                labels[_rasterised(each.segmentation, width, height)] = each.class_index
        return labels

    @cached_property
    def fingerprint(self) -> str:
        """Reads every image file once; where the files lie and what they are called does not matter."""
        total = hashlib.sha256(json.dumps(self._labels).encode())
        for path, objects in zip(self._image_paths, self._objects, strict=True):
            total.update(hashlib.sha256(path.read_bytes()).digest())
            total.update(json.dumps([each.as_json() for each in objects]).encode())
        return total.hexdigest()


class _Object:
    """What a label map needs of an annotation."""

    def __init__(self, record: Json, class_index: int) -> None:
        self.segmentation: Any = record.get("segmentation")
        self.box_xywh: Sequence[float] = record["bbox"]
        self.area_px = float(record.get("area", self.box_xywh[2] * self.box_xywh[3]))
        self.class_index = class_index

    def box_pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """left, top, right, bottom of the pixels that the box touches."""
        x, y, w, h = self.box_xywh
        left, top = max(int(np.floor(x)), 0), max(int(np.floor(y)), 0)
        return left, top, min(int(np.ceil(x + w)), width), min(int(np.ceil(y + h)), height)

    def as_json(self) -> list[Any]:
        return [self.class_index, self.segmentation, list(self.box_xywh), self.area_px]


def open_coco_masks(annotations: Path, images: Path | None, problems: Problems) -> CocoMasks:
    """See `read_coco`.  Raises `InputError` when no object has a segmentation, or there are too many categories."""
    file = read_coco(annotations, images, problems)
    if len(file.labels) >= MAX_CLASSES:
        raise InputError(f"{annotations}: {len(file.labels)} categories; masks may have at most {MAX_CLASSES - 1}")
    num_masks = 0
    for image_id, objects in file.objects.items():
        for record in [*objects]:
            wrong = next(_wrong_segmentation(record.get("segmentation"), file.images[image_id]), "")
            if wrong:
                problems.add(f"{annotations}: annotations[id {record['id']}].segmentation: {wrong}")
                objects.remove(record)
            num_masks += bool(record.get("segmentation"))
    problems.check()
    if not num_masks:
        raise InputError(f"{annotations}: no annotation has a segmentation; the task segment needs masks")
    return CocoMasks(file)


def _wrong_segmentation(value: object, image: Json) -> Iterator[str]:
    width, height = image["width"], image["height"]
    if value is None or value == []:
        return
    if isinstance(value, list):
        yield from _wrong_polygons(value, width, height)
    elif isinstance(value, dict):
        if value.get("size") != [height, width]:
            yield f"size: must be [{height}, {width}], height and width of the image, got {str(value.get('size'))[:40]}"
            return
        try:
            run_length_mask(value.get("counts"), height, width)
        except BadRunLengthsError as error:
            yield f"counts: {error}"
    else:
        yield f"must be a list of polygons, or size and counts, got {str(value)[:40]}"


def _wrong_polygons(polygons: list[Any], width: int, height: int) -> Iterator[str]:
    """Points may lie outside the image by its own size: further out is no rounding, and takes time to draw."""
    if sum(len(each) if isinstance(each, list) else 1 for each in polygons) > _NUM_COORDINATES:
        yield f"more than {_NUM_COORDINATES} coordinates"
        return
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            yield f"a polygon is a list x, y, x, y, x, y, ... of at least three points, got {str(polygon)[:40]}"
            return
        for position, value in enumerate(polygon):
            side = height if position % 2 else width
            if isinstance(value, bool) or not isinstance(value, int | float) or not -side <= value <= 2 * side:
                yield f"a polygon lies outside its image of {width}x{height}: {str(value)[:40]}"
                return


def _rasterised(segmentation: list[list[float]] | dict[Literal["counts", "size"], Any], width: int, height: int) -> Any:
    """(H, W) bool."""
    if isinstance(segmentation, dict):
        return run_length_mask(segmentation["counts"], height, width)
    from faster_coco_eval import mask as mask_api  # noqa: PLC0415 (slow to import)

    return mask_api.decode(mask_api.merge(mask_api.frPyObjects(segmentation, height, width))).astype(bool)
