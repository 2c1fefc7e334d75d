"""Annotations of Pascal VOC: an XML file per image.

Coordinates count pixels from 1 and include both ends: the box from 1 to 3 is three pixels wide and starts at the edge.
Source: Everingham et al., The PASCAL VOC Challenge 2012 Development Kit, section 4.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...vision.read_image import MAX_SIDE
from ..problems import Problems
from .xml_tree import Element, read_xml

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_SLACK_PX = 1.0  # tools that count from 0 reach one pixel over the edge


@dataclass(frozen=True)
class VocObject:
    """`box_xyxy`: in pixels, from 0 and up to the end of the last one."""

    label: str
    box_xyxy: tuple[float, float, float, float]
    is_difficult: bool
    line: int


@dataclass(frozen=True)
class VocAnnotation:
    width: int
    height: int
    objects: tuple[VocObject, ...]


def read_voc_xml(path: Path, problems: Problems) -> VocAnnotation:
    """Objects of which something is wrong go to `problems` as `file:line: ...`, and are left out.

    Raises `InputError` for a file without a size, or that is no annotation at all.
    """
    root = read_xml(path)
    if root.tag != "annotation":
        raise InputError(f"{path}:{root.line}: must be an <annotation>, got <{root.tag[:40]}>")
    size = root.first("size")
    if size is None:
        raise InputError(f"{path}:{root.line}: no <size> with the width and height of the image")
    width, height = (_side(size, name, path) for name in ("width", "height"))
    objects = tuple(_objects(root, path, (width, height), problems))
    return VocAnnotation(width, height, objects)


def _objects(root: Element, path: Path, size_wh: tuple[int, int], problems: Problems) -> Iterator[VocObject]:
    for element in root.all("object"):
        try:
            yield _object(element, path, size_wh)
        except InputError as error:
            problems.add(str(error))


def _object(element: Element, path: Path, size_wh: tuple[int, int]) -> VocObject:
    label, box = element.first("name"), element.first("bndbox")
    if label is None or not label.text or not label.text.isprintable():
        raise InputError(f"{path}:{element.line}: an <object> needs a <name>")
    if box is None:
        raise InputError(f"{path}:{element.line}: an <object> needs a <bndbox>")
    left, top, right, bottom = (_coordinate(box, side, path) for side in _SIDES)
    shown = f"{left:g}, {top:g}, {right:g}, {bottom:g}"
    if right <= left - 1 or bottom <= top - 1:
        raise InputError(f"{path}:{box.line}: bndbox: its end lies before its start, got {shown}")
    width, height = size_wh
    if left < 1 - _SLACK_PX or top < 1 - _SLACK_PX or right > width + _SLACK_PX or bottom > height + _SLACK_PX:
        raise InputError(f"{path}:{box.line}: bndbox: reaches over its image of {width}x{height}, got {shown}")
    inside = (max(left, 1) - 1, max(top, 1) - 1, min(right, width), min(bottom, height))
    if inside[0] >= width or inside[1] >= height:
        raise InputError(f"{path}:{box.line}: bndbox: lies outside its image of {width}x{height}, got {shown}")
    return VocObject(label.text, inside, _flag(element, "difficult", path), element.line)


def _coordinate(box: Element, side: str, path: Path) -> float:
    """Whole in most files; some of VOC 2011 have fractions."""
    element = box.first(side)
    if element is None:
        raise InputError(f"{path}:{box.line}: bndbox: no <{side}>")
    try:
        value = float(element.text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path}:{element.line}: {side}: must be a number, got {element.text[:40]!r}")
    return value


def _flag(element: Element, name: str, path: Path) -> bool:
    flag = element.first(name)
    if flag is None:
        return False
    if flag.text not in ("0", "1"):
        raise InputError(f"{path}:{flag.line}: {name}: must be 0 or 1, got {flag.text[:40]!r}")
    return flag.text == "1"


def _side(size: Element, name: str, path: Path) -> int:
    element = size.first(name)
    text = element.text if element else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MAX_SIDE):
        line = element.line if element else size.line
        raise InputError(f"{path}:{line}: size: {name} must be from 1 to {MAX_SIDE}, got {text[:40]!r}")
    return int(text)
