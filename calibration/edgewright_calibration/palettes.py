"""Palettes: a few values per layer, of which every weight becomes the nearest.

The values are Lloyd's (IEEE Transactions on Information Theory 28, 1982): each is the mean of the weights that are
nearest to it.  In one dimension the weights nearest to a value are a run of the sorted ones, so that a round takes a
few look-ups in their running sums, whatever their number.  Lloyd's rounds only improve on where they start; they start
from uniform steps, and from the density of values that Panter and Dite (Proceedings of the IRE 39, 1951) found best
where values are many: that of the weights to the power of 1/3.  The better end is kept.  Nothing is drawn at random,
and numpy sums in one order, on any number of threads.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_export.manifest import Target

from .layers import layers
from .plan import LayerPlan, Plan

Floats = NDArray[np.float64]

_MAX_ROUNDS = 500
_LEAST_SAVING_BYTES = 256  # what one more table costs in names, headers and alignment
_DENSITY_CELLS = 64  # of the histogram that stands for the density of the weights


@dataclass(frozen=True)
class _Storage:
    """How a target stores palettes: `entry` is the type of a table's values, `bits` the sizes of index it has."""

    entry: type[np.floating]
    bits: tuple[int, ...]


_STORAGE: Mapping[Target, _Storage] = {
    "ncnn": _Storage(np.float32, (8,)),
    "coreml": _Storage(np.float16, (8, 6, 4, 2, 1)),
}


def palette_plan(graph_module: fx.GraphModule, target: Target, *, bits: int) -> Plan:
    """A palette of at most 2**bits values for each layer; all arithmetic in float.

    Layers stay out whose table and indices would not be smaller than their half-precision weights, by 256 bytes at
    least: with 8 bits those of up to 1280 weights for NCNN and 768 for CoreML.
    """
    storage = _STORAGE.get(target)
    if storage is None or bits not in storage.bits:
        raise ValueError(f"{target} has no palettes of {bits} bits")
    return Plan(
        target=target,
        layers={
            layer.name: LayerPlan(input=None, palette=palette_of(layer.weight, 2**bits, storage.entry))
            for layer in layers(graph_module)
            if _saving_bytes(layer.weight.numel(), bits, storage) > _LEAST_SAVING_BYTES
        },
        half_floats=True,
    )


def palette_of(weight: Tensor, size: int, entry: type[np.floating] = np.float32) -> tuple[float, ...]:
    """At most `size` different values of the type `entry`, ascending, with a small sum of squared distances.

    A tensor with no more than `size` different values has exactly these for a palette.
    """
    values = np.sort(weight.detach().numpy().ravel().astype(entry).astype(np.float64))
    distinct = np.unique(values)
    if len(distinct) > size:
        weights = _SortedWeights.of(values)
        starts = (_uniform(values, size), _companded(values, size))
        distinct = min((weights.refined(start) for start in starts), key=weights.error)
    return tuple(float(value) for value in np.unique(distinct.astype(entry)))


def _saving_bytes(num_weights: int, bits: int, storage: _Storage) -> float:
    """Against half precision."""
    return 2 * num_weights - (num_weights * bits / 8 + 2**bits * np.dtype(storage.entry).itemsize)


@dataclass(frozen=True)
class _SortedWeights:
    """Ascending, with the sums of those before each position, and of their squares: one element more."""

    values: Floats
    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, values: Floats) -> "_SortedWeights":
        return cls(values, np.append(0.0, values.cumsum()), np.append(0.0, (values**2).cumsum()))

    def borders(self, palette: Floats) -> NDArray[np.intp]:
        """Position where the run of each entry begins, and the end; a weight in the middle goes to the lower entry."""
        middles = (palette[1:] + palette[:-1]) / 2
        return np.concatenate(([0], np.searchsorted(self.values, middles, side="right"), [len(self.values)]))

    def refined(self, palette: Floats) -> Floats:
        """Until nothing moves.  Entries that are nearest to no weight stay where they are."""
        for _ in range(_MAX_ROUNDS):
            borders = self.borders(palette)
            counts = np.diff(borders)
            means = np.where(counts > 0, np.diff(self.sums[borders]) / np.maximum(counts, 1), palette)
            if np.array_equal(means, palette):
                break
            palette = means
        return palette

    def error(self, palette: Floats) -> float:
        """The sum of squared distances."""
        borders = self.borders(palette)
        terms = np.diff(self.squares[borders]) - 2 * palette * np.diff(self.sums[borders])
        return float((terms + np.diff(borders) * palette**2).sum())


def _uniform(values: Floats, size: int) -> Floats:
    return np.linspace(values[0], values[-1], size)


def _companded(values: Floats, size: int) -> Floats:
    """Each entry stands for an equal share of the density to the power of 1/3."""
    counts, edges = np.histogram(values, _DENSITY_CELLS)
    share = np.append(0.0, np.cbrt(counts).cumsum())
    return np.interp((np.arange(size) + 0.5) * share[-1] / size, share, edges)
