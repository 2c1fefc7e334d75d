"""From costs and manifests to the page that `edgewright-tune` shows."""

from collections.abc import Sequence
from statistics import median

from edgewright_export.pack import Pack
from edgewright_train.errors import InputError

from .advice import Wording, advise
from .costs import Cost, Costs
from .packs import names_of
from .page import Page
from .pareto import Loss, Measured, Standing, standings

_WIDE = 1.25  # the upper end of an interval by its lower
DEFAULT_BUDGET = 0.005  # where no pack records one


def compare(
    packs: Sequence[Pack], costs: Costs, *, device: str, wording: Wording, budget: float | None, notes: Sequence[str]
) -> Page:
    """Raises `InputError` when no pack could be measured."""
    if not costs.costs:
        path, reason = next(iter(costs.unmeasured.items()))
        raise InputError(f"{path}: {reason}; no pack of this model can be measured")
    names, by_path = names_of(packs), {pack.path: pack for pack in packs}
    placed = standings([_measured(by_path[cost.pack], names[cost.pack], cost) for cost in costs.costs], budget)
    return Page(
        device=device,
        wording=wording,
        packs=packs,
        names=names,
        placed=placed,
        unmeasured=costs.unmeasured,
        budget=budget,
        notes=[*notes, *_noise(placed)],
        advice=advise(placed, budget, _metric(packs), wording),
    )


def recorded_budget(packs: Sequence[Pack]) -> float:
    """The strictest that the packs were made with."""
    recorded = [pack.manifest.accuracy.budget for pack in packs if pack.manifest.accuracy]
    return min((budget for budget in recorded if budget is not None), default=DEFAULT_BUDGET)


def _noise(placed: Sequence[Standing]) -> list[str]:
    """A warning where half of the intervals are too wide to decide anything by."""
    spread = median(one.ratio.high / one.ratio.low for one in placed)
    if spread <= _WIDE:
        return []
    return ["The ratios vary widely, so other work was running: repeat this on a quiet machine, or with more --rounds."]


def _measured(pack: Pack, name: str, cost: Cost) -> Measured:
    accuracy = pack.manifest.accuracy
    return Measured(
        pack=name,
        target=pack.manifest.target,
        precision=pack.manifest.precision,
        threads=cost.threads,
        rounds=cost.rounds,
        cost=cost.cost,
        size_bytes=pack.size_bytes,
        loss=Loss(accuracy.source_value - accuracy.value, accuracy.dataset_sha256) if accuracy else None,
    )


def _metric(packs: Sequence[Pack]) -> str:
    """Packs of one checkpoint have one metric."""
    return next((pack.manifest.accuracy.metric for pack in packs if pack.manifest.accuracy), "accuracy")
