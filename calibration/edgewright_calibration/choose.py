"""Which plan an export uses: the best method for its ranges, then as few layers in float as the budget needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewright_export.manifest import Precision, Target
from edgewright_train.errors import CheckError

from .layers import layers
from .material import Material
from .plan import Plan
from .precisions import ACTIVATIONS
from .ranges import Ranges
from .search import Attempt, search

AUTO = "auto"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """What is going to be converted.

    Attributes:
        method: of its ranges; None where only weights are in few bits.
        noise: of the plan's outputs on the calibration images, as a fraction of their power.
        attempts: what was tried before, this one last.
    """

    plan: Plan
    method: str | None
    noise: float
    attempts: tuple[Attempt, ...]


def choose(
    material: Material, target: Target, precision: Precision, *, method: str, budget: float | None, say: Say
) -> Choice:
    """`budget`: None accepts any loss.  Raises `CheckError` with what was tried when nothing is inside it."""
    ranges = _ranges(material, target, precision, method, say)
    judge = _Judge(material, target, precision, ranges, budget, say)
    attempts = [judge(())]
    if not attempts[0].accepted:
        say("finding the layers that hurt")
        attempts = search(material.errors(target, precision, ranges), judge, first=attempts[0])
    if not attempts[-1].accepted:
        tried = "; ".join(f"{len(attempt.float_layers)} in float: {attempt.judgement}" for attempt in attempts)
        raise CheckError(f"{target}-{precision}: nothing tried is inside BUDGET={budget} ({tried})")
    plan = material.plan(target, precision, ranges, attempts[-1].float_layers)
    if not plan.layers:
        raise CheckError(f"{target}-{precision}: no layer is left to quantise")
    return Choice(plan, ranges.method if precision in ACTIVATIONS else None, material.noise(plan), tuple(attempts))


def float_layers_of(material: Material, plan: Plan) -> tuple[str, ...]:
    """Names of the layers that `plan` leaves in float, in the order of the graph."""
    return tuple(layer.name for layer in layers(material.graph_module) if layer.name not in plan.layers)


def _ranges(material: Material, target: Target, precision: Precision, method: str, say: Say) -> Ranges:
    """By `method`; for "auto" by the one whose outputs are closest to the float network's."""
    if precision not in ACTIVATIONS:
        return material.calibration.ranges_of(next(iter(material.calibration.ranges)))
    if method != AUTO:
        return material.calibration.ranges_of(method)
    say("comparing methods")
    every = [material.calibration.ranges_of(name) for name in material.calibration.ranges]
    return min(every, key=lambda ranges: material.noise(material.plan(target, precision, ranges)))


@dataclass
class _Judge:
    """By the task metric where there are labels, and by the noise of the outputs where there are none.

    `mixed` asks for both: its outputs have to be as close as its results.
    """

    material: Material
    target: Target
    precision: Precision
    ranges: Ranges
    budget: float | None
    say: Say

    def __call__(self, float_layers: Sequence[str]) -> Attempt:
        if self.budget is None:
            return Attempt(tuple(float_layers), "any loss is accepted", True)
        count = f"{len(float_layers)} layers in float" if float_layers else "all layers quantised"
        self.say(f"trying {count}")
        plan = self.material.plan(self.target, self.precision, self.ranges, float_layers)
        judgements: list[tuple[str, bool]] = []
        if self.material.labelled is None or self.precision == "mixed":
            noise = self.material.noise(plan)
            judgements.append((f"noise {noise:.4f}", noise <= self.budget))
        if self.material.labelled is not None:
            loss = self._loss(plan)
            judgements.append((f"loss {loss:+.4f}", loss <= self.budget))
        accepted = all(accepted for _, accepted in judgements)
        return Attempt(tuple(float_layers), ", ".join(text for text, _ in judgements), accepted)

    def _loss(self, plan: Plan) -> float:
        assert self.material.labelled is not None
        return self.material.labelled.scores.value() - self.material.scores(self.material.run(plan)).value()
