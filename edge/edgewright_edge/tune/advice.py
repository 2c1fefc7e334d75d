"""One recommendation, and why: a pure function of what was measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgewright_export.manifest import FLOAT_PRECISIONS, PRECISIONS

from .pareto import Measured, Standing
from .ratios import Ratio, paired_ratio

_NEGLIGIBLE = 0.02  # a difference that no one would choose by, however surely it is there


@dataclass(frozen=True)
class Wording:
    """How costs are spoken of.

    Attributes:
        lowest, level: what the pack with the lowest cost is, and one whose cost is as good as equal.
        less, more: with the factor in braces.
        noise: what makes two costs equal.
    """

    unit: str
    lowest: str
    level: str
    less: str
    more: str
    equal: str
    noise: str


MILLISECONDS = Wording(
    unit="ms",
    lowest="the fastest",
    level="not to be told from the fastest",
    less="is {:.2f}x faster",
    more="is {:.2f}x slower",
    equal="is as fast as",
    noise="within noise",
)


@dataclass(frozen=True)
class Advice:
    """`chosen` is None when no pack is known to be inside the budget; `sentences` say why, one a line."""

    chosen: Measured | None
    sentences: tuple[str, ...]


def advise(placed: Sequence[Standing], budget: float | None, metric: str, wording: Wording = MILLISECONDS) -> Advice:
    """The pack with the lowest cost that is inside the budget and not dominated; of equals the smaller, then simpler.

    `placed` comes from `standings`; `metric` is the name of what is lost.
    """
    good = [one for one in placed if one.inside and one.dominated_by is None]
    if not good:
        return Advice(None, tuple(_nothing(placed, budget, metric)))
    lowest = good[0].measured
    chosen = min((one.measured for one in good if _are_equal(one.measured, lowest)), key=_preference)
    sentences = [
        _choice(chosen, lowest, budget, metric, wording),
        *([_preferred(chosen, lowest, wording)] if chosen is not lowest else []),
        *_outside(placed, chosen, budget, metric, wording),
        *_few_bits(placed, chosen, wording),
    ]
    return Advice(chosen, tuple(sentences))


def _are_equal(one: Measured, other: Measured) -> bool:
    ratio = paired_ratio(one.rounds, other.rounds)
    return _says_nothing(ratio)


def _says_nothing(ratio: Ratio) -> bool:
    return ratio.low <= 1 <= ratio.high or abs(ratio.median - 1) <= _NEGLIGIBLE


def _preference(one: Measured) -> tuple[int, int, int, tuple[str, int]]:
    """Smaller, then fewer threads, then the precision with the least done to it."""
    return one.size_kb, one.threads, PRECISIONS.index(one.precision), one.key


def _choice(chosen: Measured, lowest: Measured, budget: float | None, metric: str, wording: Wording) -> str:
    """What to use, and what puts it inside the budget."""
    place = wording.lowest if chosen is lowest else wording.level
    if chosen.loss is None:
        loss = f"proven equal to its source, {metric} not known"
    elif chosen.loss.value <= 0:
        loss = f"it loses no {metric}"
    else:
        allowed = "" if budget is None else f" of the {budget:g} allowed"
        loss = f"it loses {chosen.loss.value:.4f} {metric}{allowed}"
    inside = "" if budget is None else " inside the accuracy budget"
    return f"Use {_named(chosen)}: {chosen.shown_cost} {wording.unit}, {place} of the packs{inside} ({loss})."


def _preferred(chosen: Measured, lowest: Measured, wording: Wording) -> str:
    """Why not the one with the lowest cost."""
    ratio = paired_ratio(chosen.rounds, lowest.rounds)
    if chosen.size_kb < lowest.size_kb:
        why = f"is smaller: {chosen.size_kb} instead of {lowest.size_kb} kB"
    elif chosen.threads < lowest.threads:
        why = "needs fewer threads"
    else:
        why = f"is the simpler one: {chosen.precision} instead of {lowest.precision}"
    is_noise = ratio.low <= 1 <= ratio.high
    equal = "cannot be told from it here" if is_noise else "differs by nothing that counts"
    return f"{_named(lowest)} {equal} ({_shown(ratio)}), and {_named(chosen)} {why}."


def _outside(
    placed: Sequence[Standing], chosen: Measured, budget: float | None, metric: str, wording: Wording
) -> Iterator[str]:
    """Packs that would cost less but may not be recommended; each once, at its best thread count."""
    seen = set()
    for one in placed:
        ratio = paired_ratio(chosen.rounds, one.measured.rounds)
        if one.inside or one.measured.pack in seen or _says_nothing(ratio) or ratio.median < 1:
            continue
        seen.add(one.measured.pack)
        yield f"{_named(one.measured)} {wording.less.format(ratio.median)}, but {_reason(one, budget, metric)}."


def _reason(one: Standing, budget: float | None, metric: str) -> str:
    """Why a pack is not inside the budget."""
    loss = one.measured.loss
    if loss is None:
        return "what it loses is not known: export it with DATA="
    return f"it loses {loss.value:.4f} {metric}, more than the {budget:g} allowed"


def _few_bits(placed: Sequence[Standing], chosen: Measured, wording: Wording) -> Iterator[str]:
    """Each pack in few bits against the best float pack of its target, at the recommended thread count."""
    here = [one.measured for one in placed if one.measured.threads == chosen.threads]
    for one in sorted(here, key=lambda one: one.key):
        floats = [other for other in here if other.target == one.target and other.precision in FLOAT_PRECISIONS]
        if one.precision in FLOAT_PRECISIONS or not floats:
            continue
        # The best, for `placed` is in the order of costs; of equals that which would be recommended.
        other = min((rival for rival in floats if _are_equal(rival, floats[0])), key=_preference)
        yield f"{one.pack} {_compared(one, other, wording)}{_saving(one, other)}."


def _compared(one: Measured, other: Measured, wording: Wording) -> str:
    ratio = paired_ratio(one.rounds, other.rounds)
    if _says_nothing(ratio):
        return f"{wording.equal} {other.pack} here, {wording.noise} ({_shown(ratio)})"
    slower = ratio.median > 1
    verdict = wording.more.format(ratio.median) if slower else wording.less.format(1 / ratio.median)
    return f"{verdict} than {other.pack} here ({_shown(ratio)})"


def _saving(one: Measured, other: Measured) -> str:
    if one.size_kb >= other.size_kb:
        return ", and not smaller"
    gains = not _says_nothing(ratio := paired_ratio(one.rounds, other.rounds)) and ratio.median < 1
    return f"{', and smaller' if gains else '; its advantage is size'}: {one.size_kb} instead of {other.size_kb} kB"


def _nothing(placed: Sequence[Standing], budget: float | None, metric: str) -> Iterator[str]:
    yield "No recommendation: no pack that was measured is known to be inside the accuracy budget."
    for one in sorted({one.measured.pack: one for one in placed}.values(), key=lambda one: one.measured.key):
        yield f"{one.measured.pack}: {_reason(one, budget, metric)}."


def _shown(ratio: Ratio) -> str:
    interval = "" if ratio.low == ratio.high else f", 95 % interval {ratio.low:.2f} to {ratio.high:.2f}"
    return f"ratio {ratio.median:.2f}{interval}"


def _named(one: Measured) -> str:
    return f"{one.pack} with {one.threads} thread{'s' if one.threads > 1 else ''}"
