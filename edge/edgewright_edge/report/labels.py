"""Places for texts in a drawing so that no text covers another text or a mark.  Lengths are units of the drawing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from random import Random

_EM_PER_LETTER = 0.57  # of a system sans-serif, rounded up: a label must never be wider than its place
_DIRECTIONS = 24
_RADII = (0.8, 1.6, 2.4, 3.3, 4.3, 5.4, 7.0, 9.0)  # in text heights, nearest first
_LEADER_PARTS = 12
_BETWEEN = 4.0  # units at least between two texts on one line
_ATTEMPTS = 30  # at a layout; the best one counts


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

    def distance(self, other: "Rect") -> float:
        """Of the two nearest points; 0 when they touch."""
        across = max(other.left - self.right, self.left - other.right, 0.0)
        return hypot(across, max(other.top - self.bottom, self.top - other.bottom, 0.0))


@dataclass(frozen=True)
class Label:
    """`rect` encloses the text; `leader` is the line (x1, y1, x2, y2) to its mark where that needs one."""

    rect: Rect
    leader: tuple[float, float, float, float] | None

    @property
    def parts(self) -> list[Rect]:
        """The text, and the leader as a chain of small rectangles: what later labels must not cover."""
        return [self.rect, *self.leader_parts]

    @property
    def length(self) -> float:
        """Of the leader."""
        x1, y1, x2, y2 = self.leader or (0.0, 0.0, 0.0, 0.0)
        return hypot(x2 - x1, y2 - y1)

    @property
    def leader_parts(self) -> list[Rect]:
        if self.leader is None:
            return []
        x1, y1, x2, y2 = self.leader
        shares = [n / _LEADER_PARTS for n in range(1, _LEADER_PARTS)]
        return [_around(x1 + (x2 - x1) * share, y1 + (y2 - y1) * share, 0.5) for share in shares]


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
    marks = [_around(x, y, mark_radius) for x, y in points]
    sizes = [(text_width(text, font_size) + _BETWEEN, font_size * 1.2) for text in texts]
    random = Random(0)  # noqa: S311 (the same drawing at every call)
    order, attempts = list(range(len(marks))), list[list[Label | None]]()
    for _ in range(_ATTEMPTS):
        attempts.append(_place(order, marks, sizes, avoid, bounds))
        placed = [label is not None for label in attempts[-1]]
        random.shuffle(order)
        order.sort(key=placed.__getitem__)  # who found no place chooses first
    return min(attempts, key=lambda labels: (labels.count(None), sum(label.length for label in labels if label)))


def _place(
    order: Sequence[int],
    marks: Sequence[Rect],
    sizes: Sequence[tuple[float, float]],
    avoid: Sequence[Rect],
    bounds: Rect,
) -> list[Label | None]:
    """One after the other, each at the nearest place that those before it have left."""
    labels: list[Label | None] = [None] * len(marks)
    for index in order:
        others = [other for other in marks if not other.overlaps(marks[index])]
        taken = [part for label in labels if label for part in label.parts]
        free = (
            label
            for label in _candidates(marks[index], others, *sizes[index])
            if first_free([label.rect], [*marks, *taken, *avoid], bounds) is not None
            and not any(part.overlaps(other) for part in label.leader_parts for other in [*others, *taken])
        )
        labels[index] = next(free, None)
    return labels


def _candidates(mark: Rect, others: Sequence[Rect], width: float, height: float) -> Iterator[Label]:
    """Around the mark, ever further away; with a leader unless it is plain whose text it is."""
    x, y, mark_radius = (mark.left + mark.right) / 2, (mark.top + mark.bottom) / 2, (mark.right - mark.left) / 2
    for radius in _RADII:
        for dx, dy in _directions():
            gap = mark_radius + (radius - 0.5) * height
            end_x, end_y = x + dx * gap, y + dy * gap
            leader = (x + dx * mark_radius, y + dy * mark_radius, end_x, end_y)
            # The text hangs on (end_x, end_y) by the side that faces the mark, or is shifted and still touches it.
            for shift in (0.0, 0.4, -0.4):
                left, top = end_x - width * ((1 - dx) / 2 + shift), end_y - height * (1 - dy) / 2
                rect = Rect(left, top, left + width, top + height)
                is_beside = radius == _RADII[0] and all(rect.distance(mark) < rect.distance(other) for other in others)
                if shift == 0 or rect.left <= end_x <= rect.right:
                    yield Label(rect, None if is_beside else leader)


def _around(x: float, y: float, radius: float) -> Rect:
    return Rect(x - radius, y - radius, x + radius, y + radius)


def _directions() -> Iterator[tuple[float, float]]:
    """Unit vectors: right first, then left, then the rest around the clock."""
    order = sorted(range(_DIRECTIONS), key=lambda n: (n not in (0, _DIRECTIONS // 2), n))
    for n in order:
        angle = 2 * pi * n / _DIRECTIONS
        yield cos(angle), -sin(angle)
