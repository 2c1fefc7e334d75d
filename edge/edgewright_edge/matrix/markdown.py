"""The matrix as a page of the documentation."""

import platform
from collections.abc import Iterable, Sequence
from itertools import groupby

from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS

from .cells import Cell

_HEAD = """# The matrix

Every network, converted to every target and run there: `make matrix` writes this page (`ALL=1` for every width of every
family). fp32: the largest error of any output, as a fraction of the largest value where that exceeds 1; at most 1e-4.
fp16: the smallest cosine similarity of any output; at least 0.9999. Every cell also found the source's detections,
best classes or pixel labels (the tolerances: [pack.md](pack.md)). CoreML programs were run by this project's own
interpreter ([coreml.md](coreml.md)), not by Apple's runtime.

Networks marked * have random weights with settled batch-norm statistics: no published ones were at hand.
"""


def matrix_markdown(cells: Sequence[Cell]) -> str:
    """An overview with a cell per pack, then the figures of each."""
    proven = sum(not cell.error for cell in cells)
    lines = [_HEAD, f"{proven} of {len(cells)} cells proven; host: {platform.machine()}, one core.\n"]
    lines += _overview(cells)
    failed = [cell for cell in cells if cell.error]
    if failed:
        lines += ["", "## Not proven", "", *(f"- {_label(cell)}, {cell.pack}: {cell.error}" for cell in failed)]
    lines += ["", "## Figures", "", *_figures(cells)]
    return "\n".join(lines) + "\n"


def _overview(cells: Sequence[Cell]) -> list[str]:
    packs = [f"{target}-{precision}" for target in TARGETS for precision in FLOAT_PRECISIONS]
    lines = [_row(["network", "parameters", "million MACs", *packs]), _row(["---", *["---:"] * (len(packs) + 2)])]
    for _, group in groupby(cells, key=lambda cell: cell.network):
        row = list(group)
        found = {cell.pack: cell.outcome for cell in row}
        first = row[0]
        figures = [f"{first.num_parameters:,}", f"{first.macs / 1e6:,.1f}"]
        lines.append(_row([_label(first), *figures, *(found.get(pack, "") for pack in packs)]))
    return lines


def _figures(cells: Sequence[Cell]) -> list[str]:
    names = ["network", "pack", "max error", "cosine", "agree", "kB", "conversion s", "peak MiB", "latency ms"]
    lines = [_row(names), _row(["---", "---", *["---:"] * (len(names) - 2)])]
    for cell in cells:
        if cell.error:
            continue
        agree = f"{cell.num_agreeing / cell.num_parts:.4%}" if cell.num_parts else "nothing found"
        lines.append(
            _row(
                [
                    _label(cell),
                    cell.pack,
                    f"{cell.max_error:.1e}",
                    f"{cell.min_cosine:.6f}",
                    agree,
                    _number(cell.size_bytes and cell.size_bytes / 1000, ".0f"),
                    _number(cell.conversion_s, ".1f"),
                    _number(cell.peak_mib, ".0f"),
                    _number(cell.latency_ms, ".2f"),
                ]
            )
        )
    return lines


def _label(cell: Cell) -> str:
    return f"{cell.network}{'' if cell.published else ' *'}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"
