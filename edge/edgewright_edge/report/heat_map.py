"""A heat map over the layers of a network, in the order of its graph: what `_quantisation.html.j2` draws as SVG.

Colours are steps, so that a legend can name them, of rising or falling lightness, so that they need no sense of hue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 400.0  # as of charts: a text of 12 units is one of about 12 pixels
FONT_SIZE = 12.0
MARGIN = 22.0  # for the position of each row's first layer
_PER_ROW = 16
_SIDE = (WIDTH - MARGIN) / _PER_ROW
_GAP = 1.5
_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1)  # shares at which a colour ends and the next begins

LEGEND: tuple[str, ...] = (
    f"under {100 * _STEPS[0]:g} %",
    *(f"{100 * low:g} to {100 * high:g} %" for low, high in pairwise(_STEPS)),
    f"{100 * _STEPS[-1]:g} % and more",
)  # of the colours h0, h1 ...


@dataclass(frozen=True)
class Cell:
    """A layer; `share`: 0 to 1, None where it is always float.  `rank`: of the worst ones, from 1."""

    share: float | None
    rank: int | None
    description: str


@dataclass(frozen=True)
class Square:
    """`kind`: which colour, a class of the style sheet."""

    x: float
    y: float
    kind: str
    rank: str
    description: str


@dataclass(frozen=True)
class HeatMap:
    """`rows`: y of the text's baseline and the position of the first layer, from 1."""

    height: float
    side: float
    squares: tuple[Square, ...]
    rows: tuple[tuple[float, int], ...]
    description: str


def heat_map(cells: Sequence[Cell], *, description: str) -> HeatMap:
    """At least one cell."""
    num_rows = -(-len(cells) // _PER_ROW)
    return HeatMap(
        height=round(num_rows * _SIDE, 1),
        side=round(_SIDE - _GAP, 1),
        squares=tuple(_square(index, cell) for index, cell in enumerate(cells)),
        rows=tuple((round((row + 0.5) * _SIDE + FONT_SIZE / 3, 1), row * _PER_ROW + 1) for row in range(num_rows)),
        description=description,
    )


def _square(index: int, cell: Cell) -> Square:
    row, column = divmod(index, _PER_ROW)
    kind = "always-float" if cell.share is None else f"h{sum(cell.share >= step for step in _STEPS)}"
    x, y = round(MARGIN + column * _SIDE, 1), round(row * _SIDE, 1)
    return Square(x, y, kind, str(cell.rank or ""), cell.description)
