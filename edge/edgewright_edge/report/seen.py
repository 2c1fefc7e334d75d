"""What one run of a network sees in a picture, ready to be drawn beside what the source sees there."""

from dataclasses import dataclass
from typing import Generic, TypeVar

DrawingT = TypeVar("DrawingT")


@dataclass(frozen=True)
class Seen(Generic[DrawingT]):
    """One result.

    Attributes:
        drawing: of the task: boxes, a label map or classes.
        found: in a few words.
        difference: from the source, in a few words; empty when there is none.
        is_wrong: whether the difference is more than the pack's tolerance allows.
        description: the drawing in words.
    """

    drawing: DrawingT
    found: str
    difference: str
    is_wrong: bool
    description: str
