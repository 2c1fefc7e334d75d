"""What the .json of a sample in a shard says."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from ...schema import Record, parse_record_json
from ...vision.read_image import MAX_SIDE
from ..dataset import Annotation
from ..problems import Problems

Number = Annotated[float, Field(ge=-1e9, le=1e9)]


class BoxOfSample(Record):
    """`box_xyxy`: pixels; `area`: of its mask, without it that of the box."""

    label: str
    box_xyxy: tuple[Number, Number, Number, Number]
    area: Annotated[float, Field(ge=0, le=1e9)] | None = None
    crowd: bool = False
    difficult: bool = False


class BoxesOfSample(Record):
    """The .json of a sample of the task detect; `id`: without it the position."""

    width: Annotated[int, Field(ge=1, le=MAX_SIDE)]
    height: Annotated[int, Field(ge=1, le=MAX_SIDE)]
    objects: tuple[BoxOfSample, ...]
    id: Annotated[int, Field(ge=-(1 << 62), lt=1 << 62)] | None = None


class ClassesOfSample(Record):
    """The .json of a sample of the task classify where images show several classes."""

    classes: tuple[str, ...]


def read_boxes(text: str, source: str, position: int, index_of: Mapping[str, int], problems: Problems) -> Annotation:
    """From a `BoxesOfSample`; wrong boxes go to `problems`.  Raises `InputError` for anything else that is wrong."""
    record = parse_record_json(BoxesOfSample, text, source=source)
    right = [
        each
        for number, each in enumerate(record.objects)
        if _is_right(each, number, record, index_of, source, problems)
    ]
    return _annotation(position if record.id is None else record.id, record, right, index_of)


def _is_right(
    each: BoxOfSample,
    number: int,
    record: BoxesOfSample,
    index_of: Mapping[str, int],
    source: str,
    problems: Problems,
) -> bool:
    left, top, right, bottom = each.box_xyxy
    wrong = ""
    if each.label not in index_of:
        wrong = f"label: {each.label!r} is none of the classes in dataset.toml"
    elif right < left or bottom < top:
        wrong = f"box_xyxy: its end lies before its start, got {list(each.box_xyxy)}"
    elif right < 0 or bottom < 0 or left >= record.width or top >= record.height:
        wrong = f"box_xyxy: lies outside its image, got {list(each.box_xyxy)}"
    if wrong:
        problems.add(f"{source}: objects.{number}.{wrong}")
    return not wrong


def _annotation(
    image_id: int, record: BoxesOfSample, objects: Sequence[BoxOfSample], index_of: Mapping[str, int]
) -> Annotation:
    boxes = np.array([each.box_xyxy for each in objects], np.float32).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    areas = [side if each.area is None else each.area for each, side in zip(objects, sides.prod(1), strict=True)]
    return Annotation(
        image_id=image_id,
        width=record.width,
        height=record.height,
        boxes_xyxy=boxes,
        class_indices=np.array([index_of[each.label] for each in objects], np.int64),
        is_crowd=np.array([each.crowd for each in objects], np.bool_),
        areas_px=np.array(areas, np.float32),
        is_difficult=np.array([each.difficult for each in objects], np.bool_),
    )
