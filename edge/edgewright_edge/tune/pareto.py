"""Which packs are worth a choice: those that no other pack beats in everything.

What a pack costs is its latency (or its instructions), its size, what it loses of the task metric, and the threads it
occupies.  Figures are compared as the table prints them, so that nothing is beaten by a difference that nobody sees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from edgewright_export.manifest import FLOAT_PRECISIONS, Precision, Target

from .ratios import Ratio, paired_ratio


@dataclass(frozen=True)
class Loss:
    """Of the task metric: the source's value less the pack's.  Only losses on the same `data` can be compared."""

    value: float
    data: str


@dataclass(frozen=True)
class Measured:
    """One pack at one thread count.

    Attributes:
        pack: its name in the table.
        rounds: what it cost in each round; packs measured together have equally many.
        cost: of all its runs, as it is shown: the median of all runs in milliseconds, or millions of instructions.
        loss: None when the pack was exported without a data set.
    """

    pack: str
    target: Target
    precision: Precision
    threads: int
    rounds: tuple[float, ...]
    cost: float
    size_bytes: int
    loss: Loss | None

    @property
    def key(self) -> tuple[str, int]:
        """Its identity, and an order that does not depend on anything measured."""
        return self.pack, self.threads

    @property
    def shown_cost(self) -> str:
        """Without its unit."""
        return f"{self.cost:.2f}" if self.cost >= 1 else f"{self.cost:.3f}"

    @property
    def size_kb(self) -> int:
        return round(self.size_bytes / 1000)

    def is_inside(self, budget: float | None) -> bool:
        """Whether it loses no more than `budget` (None: anything goes).

        A float pack without a known loss is inside: it is proven equal to its source.  One in few bits is not.
        """
        if self.loss is None:
            return self.precision in FLOAT_PRECISIONS
        return budget is None or self.loss.value <= budget


@dataclass(frozen=True)
class Standing:
    """Where a measured pack stands among the others.

    Attributes:
        ratio: to the one with the lowest level.
        inside: its loss is known to be inside the budget.
        dominated_by: a pack of the front that is at least as good in everything and better in something.
    """

    measured: Measured
    ratio: Ratio
    inside: bool
    dominated_by: Measured | None = None


def standings(measured: Sequence[Measured], budget: float | None) -> list[Standing]:
    """Of all, by level (see `levels`); `measured` must not be empty."""
    ordered = [
        one for _, one in sorted(zip(levels(measured), measured, strict=True), key=lambda pair: (pair[0], pair[1].key))
    ]
    best = ordered[0]
    placed = [Standing(one, paired_ratio(one.rounds, best.rounds), one.is_inside(budget)) for one in ordered]
    front = [one for one in placed if not any(dominates(other, one) for other in placed)]
    found = []
    for one in placed:
        by = next((other.measured for other in front if dominates(other, one)), None)
        found.append(Standing(one.measured, one.ratio, one.inside, by))
    return found


def levels(measured: Sequence[Measured]) -> list[float]:
    """Of each: the median over the rounds of log(its cost / the geometric mean of all costs in that round).

    The order by level does not suffer from rounds in which everything was slow, as that by time does.
    """
    logs = [[math.log(cost) for cost in one.rounds] for one in measured]
    means = [math.fsum(every) / len(logs) for every in zip(*logs, strict=True)]  # exact, so that no order matters
    return [median(log - mean for log, mean in zip(one, means, strict=True)) for one in logs]


def dominates(one: Standing, other: Standing) -> bool:
    """At least as good in everything, and better in something.  A strict partial order."""
    return _is_as_good(one, other) and not _is_as_good(other, one)


def _is_as_good(one: Standing, other: Standing) -> bool:
    figures = zip(_figures(one), _figures(other), strict=True)
    return all(ours <= theirs for ours, theirs in figures) and _loses_no_more(one.measured, other.measured)


def _figures(one: Standing) -> tuple[float, ...]:
    """Smaller is better.  What is outside the budget never beats what is inside."""
    return (round(one.ratio.median, 2), one.measured.size_kb, one.measured.threads, not one.inside)


def _loses_no_more(one: Measured, other: Measured) -> bool:
    """Unknown losses: a float pack loses no more than any other; besides that nothing can be said."""
    if one.loss is None or other.loss is None:
        return one.loss is other.loss and (_is_float(one) or not _is_float(other))
    return one.loss.data == other.loss.data and round(one.loss.value, 4) <= round(other.loss.value, 4)


def _is_float(one: Measured) -> bool:
    return one.precision in FLOAT_PRECISIONS
