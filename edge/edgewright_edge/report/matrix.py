"""The matrix of networks and targets as a report shows it, from the cells that `edgewright-matrix` keeps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS, Precision, Target
from edgewright_train.errors import InputError

from ..matrix.cells import Cell, read_cells

PackKind = tuple[Target, Precision]
Figures = tuple[tuple[str, str], ...]
"""(name, value) pairs."""


@dataclass(frozen=True)
class Entry:
    """One pack of one network.

    Attributes:
        reason: why it is not proven; empty when it is.
        size, latency: empty where unknown.
    """

    pack: str
    outcome: str
    reason: str
    size: str
    latency: str
    figures: Figures

    @property
    def description(self) -> str:
        """All of it in one line."""
        return self.reason or ", ".join(f"{name} {value}" for name, value in self.figures)


@dataclass(frozen=True)
class MatrixRow:
    """One network; `entries`: one per pack of the matrix, None where there is no cell."""

    network: str
    facts: str
    parameters: str
    million_macs: str
    entries: tuple[Entry | None, ...]

    @property
    def figures(self) -> Figures:
        """What all its packs have in common."""
        return ("parameters", self.parameters), ("million MACs", self.million_macs)


@dataclass(frozen=True)
class Matrix:
    """The table of networks by packs.

    Attributes:
        packs: of the columns.
        problem: why the cells could not be read; empty when they could.
    """

    packs: tuple[PackKind, ...]
    rows: tuple[MatrixRow, ...]
    problem: str = ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for row in self.rows for entry in row.entries if entry)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the figures."""
        return tuple(name for row in self.rows[:1] for name, _ in (*row.figures, *self.entries[0].figures))

    @property
    def failed(self) -> tuple[tuple[str, Entry], ...]:
        """With the network of each."""
        return tuple((row.network, entry) for row in self.rows for entry in row.entries if entry and entry.reason)


def read_matrix(folder: Path) -> Matrix | None:
    """None when no matrix was made in `folder`."""
    if not (folder / "cells").is_dir():
        return None
    try:
        cells = read_cells(folder)
    except InputError as error:
        return Matrix((), (), str(error))
    packs = tuple((target, precision) for target in TARGETS for precision in FLOAT_PRECISIONS)
    rows = [_row(network, list(group), packs) for network, group in groupby(cells, key=lambda cell: cell.network)]
    return Matrix(packs, tuple(rows)) if rows else None


def _row(network: str, cells: Sequence[Cell], packs: Sequence[PackKind]) -> MatrixRow:
    first, by_pack = cells[0], {(cell.target, cell.precision): cell for cell in cells}
    weights = "published weights" if first.published else "random weights"
    return MatrixRow(
        network=network,
        facts=f"{first.task}, {weights}",
        parameters=f"{first.num_parameters:,}",
        million_macs=f"{first.macs / 1e6:,.1f}",
        entries=tuple(_entry(cell) if (cell := by_pack.get(pack)) else None for pack in packs),
    )


def _entry(cell: Cell) -> Entry:
    return Entry(
        pack=cell.pack,
        outcome=cell.outcome,
        reason=cell.error,
        size=f"{cell.size_bytes / 1000:,.0f} kB" if cell.size_bytes else "",
        latency=f"{cell.latency_ms:.2f} ms" if cell.latency_ms else "",
        figures=tuple(_figures(cell)),
    )


def _figures(cell: Cell) -> Iterator[tuple[str, str]]:
    """The columns of the table of figures, always the same ones."""
    yield "largest error", _number(cell.max_error, ".1e")
    yield "cosine", _number(cell.min_cosine, ".6f")
    yield "agree", f"{cell.num_agreeing:,} of {cell.num_parts:,}" if cell.num_parts else ""
    yield "kB", _number(cell.size_bytes and cell.size_bytes / 1000, ",.0f")
    yield "conversion s", _number(cell.conversion_s, ".1f")
    yield "peak MiB", _number(cell.peak_mib, ",.0f")
    yield "latency ms", _number(cell.latency_ms, ".2f")


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
