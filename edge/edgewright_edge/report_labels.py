"""Places for texts in a drawing so that no text covers another text or a mark.  Lengths are units of the drawing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

_EM_PER_LETTER = 0.6  # of a system sans-serif, rounded up: a label must never be wider than its place
_DIRECTIONS = 16
_RADII = (0.8, 1.6, 2.6, 3.8, 5.2, 7.0, 9.0)  # in text heights, nearest first
_LEADER_FROM = 1.7  # text heights between mark and text from which on a line joins them


@dataclass(frozen=True)
class Rect:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Rect") -> bool:
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def inside(self, other: "Rect") -> bool:
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(frozen=True)
class Label:
    """`rect` encloses the text; `leader` is the line (x1, y1, x2, y2) to its mark when that is not beside it."""

    rect: Rect
    leader: tuple[float, float, float, float] | None


def text_width(text: str, font_size: float) -> float:
    """An upper estimate: no font is known here."""
    return len(text) * font_size * _EM_PER_LETTER


def first_free(candidates: Iterable[Rect], occupied: Sequence[Rect], bounds: Rect) -> Rect | None:
    """The first candidate inside `bounds` that covers nothing; None when there is no such place."""
    for rect in candidates:
        if rect.inside(bounds) and not any(rect.overlaps(other) for other in occupied):
            return rect
    return None


def label_points(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    *,
    bounds: Rect,
    font_size: float,
    mark_radius: float,
    avoid: Sequence[Rect] = (),
) -> list[Label | None]:
    """A place for the text of every point, as near to it as can be; None where nothing is free.

    Texts cover neither each other nor a mark nor `avoid`, which the lines to them may cross.
    """
    taken = [Rect(x - mark_radius, y - mark_radius, x + mark_radius, y + mark_radius) for x, y in points]
    labels: list[Label | None] = []
    for point, text in zip(points, texts, strict=True):
        candidates = _candidates(point, text_width(text, font_size), font_size * 1.2, mark_radius)
        free = (
            label
            for label in candidates
            if first_free([label.rect], [*taken, *avoid], bounds) is not None
            and not any(bit.overlaps(other) for bit in _along(label.leader) for other in taken)
        )
        labels.append(next(free, None))
        taken += [part for label in labels[-1:] if label for part in (label.rect, *_along(label.leader))]
    return labels


def _candidates(point: tuple[float, float], width: float, height: float, mark_radius: float) -> Iterator[Label]:
    """Around the point, ever further away."""
    x, y = point
    for radius in _RADII:
        for dx, dy in _directions():
            gap = mark_radius + (radius - 0.5) * height
            end_x, end_y = x + dx * gap, y + dy * gap
            # The text hangs on (end_x, end_y) by the side that faces the mark.
            left, top = end_x - width * (1 - dx) / 2, end_y - height * (1 - dy) / 2
            leader = (x + dx * mark_radius, y + dy * mark_radius, end_x, end_y)
            is_far = gap > _LEADER_FROM * height
            yield Label(Rect(left, top, left + width, top + height), leader if is_far else None)


def _directions() -> Iterator[tuple[float, float]]:
    """Unit vectors: right first, then left, then the rest around the clock."""
    order = sorted(range(_DIRECTIONS), key=lambda n: (n not in (0, _DIRECTIONS // 2), n))
    for n in order:
        angle = 2 * pi * n / _DIRECTIONS
        yield cos(angle), -sin(angle)


def _along(line: tuple[float, float, float, float] | None, *, steps: int = 12) -> list[Rect]:
    """The line as a chain of small rectangles, so that it takes part in the same test as the texts."""
    if line is None:
        return []
    x1, y1, x2, y2 = line
    middles = ((x1 + (x2 - x1) * n / steps, y1 + (y2 - y1) * n / steps) for n in range(1, steps))
    return [Rect(x - 0.5, y - 0.5, x + 0.5, y + 0.5) for x, y in middles]
