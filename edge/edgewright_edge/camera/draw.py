"""Boxes and names onto a frame."""

from collections.abc import Sequence

import cv2

from edgewright_train.tasks.detect.detections import Detections

from ..report.overlay import class_colour
from .frames import Frame

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(frame: Frame, detections: Detections, labels: Sequence[str], note: str) -> Frame:
    """A copy with the boxes, which are in pixels of the frame, and `note` in the corner."""
    picture = frame.copy()
    thickness = max(1, round(max(frame.shape[:2]) / 400))
    scale = 0.4 * thickness
    for box, score, index in zip(detections.boxes_xyxy, detections.scores, detections.class_indices, strict=True):
        left, top, right, bottom = (round(float(value)) for value in box)
        colour = _bgr(int(index))
        cv2.rectangle(picture, (left, top), (right, bottom), colour, thickness)
        text = f"{labels[int(index)]} {float(score):.2f}"
        cv2.putText(picture, text, (left, max(top - 3, 12)), _FONT, scale, colour, thickness, cv2.LINE_AA)
    cv2.putText(picture, note, (4, frame.shape[0] - 6), _FONT, scale, (255, 255, 255), thickness, cv2.LINE_AA)
    return picture


def _bgr(index: int) -> tuple[int, int, int]:
    text = class_colour(index)
    red, green, blue = (int(text[start : start + 2], 16) for start in (1, 3, 5))
    return blue, green, red
