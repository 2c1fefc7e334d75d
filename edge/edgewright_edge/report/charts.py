"""Charts as geometry: what `_charts.html.j2` draws as SVG.  About 400 units wide, so that a text of 12 units is one of
12 pixels in a column of a wide page and on a phone alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .axis import Axis, Tick, axis
from .labels import Label, Rect, label_points

WIDTH, HEIGHT = 400.0, 240.0
PLOT = Rect(46.0, 12.0, 388.0, 206.0)
_TEXTS = Rect(PLOT.left, 2.0, WIDTH, PLOT.bottom)  # where names of marks may stand
FONT_SIZE = 12.0
MARK_RADIUS = 5.0
_MOST_DOTS = 40  # a curve with more points is drawn without them

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """`path` is SVG path data."""

    name: str
    path: str
    dots: tuple[Point, ...]


@dataclass(frozen=True)
class Mark:
    """One point of a scatter chart; `kind` and `hollow` decide what it looks like."""

    name: str
    x: float
    y: float
    kind: str
    hollow: bool
    label: Label | None
    description: str


@dataclass(frozen=True)
class Chart:
    """`description` says in words what the drawing shows.

    Attributes:
        level: a horizontal reference line and its text.
    """

    title: str
    description: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    level: Tick | None = None


@dataclass(frozen=True)
class Sample:
    """A pack in a scatter chart."""

    name: str
    x: float
    y: float
    kind: str
    hollow: bool


def line_chart(
    title: str,
    x_label: str,
    series: Mapping[str, Sequence[Point]],
    *,
    description: str,
    from_zero: bool = True,
    least_span: float = 0.0,
) -> Chart:
    """One curve per entry of `series`, in order; at least one point in all.  `least_span`: of the y axis, at least."""
    points = [point for curve in series.values() for point in curve]
    across = axis((x for x, _ in points), PLOT.left, PLOT.right, from_zero=True)
    up = axis((y for _, y in points), PLOT.bottom, PLOT.top, from_zero=from_zero, least_span=least_span)
    return Chart(
        title=title,
        description=description,
        x_label=x_label,
        x_ticks=across.ticks(5),
        y_ticks=up.ticks(5),
        curves=tuple(_curve(name, curve, across, up) for name, curve in series.items()),
    )


def scatter_chart(
    title: str,
    x_label: str,
    samples: Sequence[Sample],
    *,
    y_label: str,
    x_unit: str,
    level: tuple[float, str],
    least_span: float,
) -> Chart:
    """`level`: (y value, text) of a reference.  Small differences stay small: the y axis spans `least_span` or more."""
    across = axis((s.x for s in samples), PLOT.left, PLOT.right, from_zero=True)
    up = axis([*(s.y for s in samples), level[0]], PLOT.bottom, PLOT.top, from_zero=False, least_span=least_span)
    places = [(across(s.x), up(s.y)) for s in samples]
    names = [s.name for s in samples]
    y = up(level[0])
    line = Rect(PLOT.left, y - 1, PLOT.right, y + 1)
    labels = label_points(places, names, bounds=_TEXTS, font_size=FONT_SIZE, mark_radius=MARK_RADIUS, avoid=[line])
    marks = tuple(
        Mark(s.name, x, y, s.kind, s.hollow, label, f"{s.name}: {s.x:.4g} {x_unit}, {y_label} {s.y:.4f}")
        for s, (x, y), label in zip(samples, places, labels, strict=True)
    )
    return Chart(
        title=title,
        description="; ".join(mark.description for mark in marks),
        x_label=x_label,
        x_ticks=across.ticks(5),
        y_ticks=up.ticks(5),
        marks=marks,
        level=Tick(y, level[1]),
    )


def _curve(name: str, points: Sequence[Point], across: Axis, up: Axis) -> Curve:
    places = tuple((round(across(x), 1), round(up(y), 1)) for x, y in points)
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places) if places else ""
    return Curve(name, path, places if len(places) <= _MOST_DOTS else ())
