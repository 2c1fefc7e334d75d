"""Detections as boxes and texts over a picture: geometry that `_gallery.html.j2` draws as SVG."""

import colorsys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgewright_train.tasks.detect.detections import Detections

from .labels import Rect, first_free, text_width

FRAME = 240.0  # width of a drawing, and the longer side of its picture; about as wide as it is shown
FONT_SIZE = 10.5
_LABEL_HEIGHT = 13.0
_BOLD = 1.18  # how much wider than regular letters
_MOST_BOXES = 40
_GOLDEN_ANGLE = 137.50776405 / 360

Verdict = Literal["same", "extra", "missing"]


@dataclass(frozen=True)
class Frame:
    """A drawing as wide as `FRAME`, and the place of the picture in its middle: `left`, `picture_width`, `height`."""

    left: float
    picture_width: float
    height: float
    scale: float

    @classmethod
    def of(cls, width: int, height: int) -> "Frame":
        scale = FRAME / max(width, height)
        return cls(round((FRAME - width * scale) / 2, 1), round(width * scale, 1), round(height * scale, 1), scale)

    def rect(self, box_xyxy: NDArray[np.float32]) -> Rect:
        """From pixels of the picture to units of the drawing."""
        left, top, right, bottom = (float(value) * self.scale for value in box_xyxy)
        return Rect(self.left + left, top, self.left + right, bottom)


@dataclass(frozen=True)
class Box:
    """`label_at` encloses the text; None where it would cover another one (`description` still tells)."""

    rect: Rect
    text: str
    label_at: Rect | None
    colour: str
    verdict: Verdict
    description: str


def overlay(
    detections: Detections, labels: Sequence[str], frame: Frame, verdicts: Sequence[Verdict]
) -> tuple[Box, ...]:
    """`detections` in pixels of the picture.  What differs comes first, then the highest score.

    At most 40: the many boxes of a pack gone wrong would hide the picture.
    """
    boxes = [
        _box(box, float(score), int(index), labels, frame, verdict)
        for box, score, index, verdict in zip(
            detections.boxes_xyxy, detections.scores, detections.class_indices, verdicts, strict=True
        )
    ]
    in_order = sorted(boxes, key=lambda box: box.verdict == "same")
    return tuple(_with_labels(in_order[:_MOST_BOXES], frame))


def class_colour(index: int) -> str:
    """Bright, so that black text is legible on it; neighbours in the list of classes are far apart in hue."""
    red, green, blue = colorsys.hls_to_rgb(index * _GOLDEN_ANGLE % 1.0, 0.7, 0.9)
    return "#" + "".join(f"{round(255 * value):02x}" for value in (red, green, blue))


def _box(
    box: NDArray[np.float32], score: float, index: int, labels: Sequence[str], frame: Frame, verdict: Verdict
) -> Box:
    sign = {"same": "", "extra": "+ ", "missing": "- "}[verdict]
    text = f"{sign}{labels[index]} {score:.2f}"
    place = " ".join(f"{value:.0f}" for value in box)
    return Box(frame.rect(box), text, None, class_colour(index), verdict, f"{text} at {place}")


def _with_labels(boxes: Iterable[Box], frame: Frame) -> Iterator[Box]:
    bounds, occupied = Rect(0, 0, FRAME, frame.height), list[Rect]()
    for box in boxes:
        place = first_free(_candidates(box.rect, text_width(box.text, FONT_SIZE) * _BOLD + 4), occupied, bounds)
        occupied += [place] if place else []
        yield replace(box, label_at=place)


def _candidates(box: Rect, width: float) -> Iterator[Rect]:
    """Above, inside at the top, inside at the bottom, below; each flush left, then flush right."""
    for top in (box.top - _LABEL_HEIGHT, box.top, box.bottom - _LABEL_HEIGHT, box.bottom):
        for left in (box.left, box.right - width):
            yield Rect(left, top, left + width, top + _LABEL_HEIGHT)
