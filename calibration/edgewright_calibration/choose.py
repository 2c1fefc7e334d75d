"""Which plan an export uses: the best method for its ranges, then as few layers in float as the budget needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewright_export.manifest import Precision, Target
from edgewright_train.errors import CheckError, InputError

from .layers import layers
from .material import Material
from .methods import METHODS
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


def check_method(method: str) -> None:
    """Raises `InputError` naming the known ones."""
    if method not in (AUTO, *METHODS):
        raise InputError(f"METHOD={method}: unknown; choose from: {', '.join((AUTO, *METHODS))}")


def choose(
    material: Material, target: Target, precision: Precision, *, method: str, budget: float | None, say: Say
) -> Choice:
    """`budget`: None accepts any loss.  Raises `CheckError` with what was tried when nothing is inside it."""
    attempts: list[Attempt] = []
    for ranges in _candidates(material, target, precision, method, say):
        attempts.append(_Judge(material, target, precision, ranges, budget, say)(()))
        if attempts[-1].accepted:
            break
    else:
        ranges = material.calibration.ranges_of(min(attempts, key=lambda attempt: attempt.excess).method)
        say("finding the layers that hurt")
        judge = _Judge(material, target, precision, ranges, budget, say)
        attempts += search(material.errors(target, precision, ranges), judge)
    if not attempts[-1].accepted:
        tried = "; ".join(map(str, attempts))
        raise CheckError(f"{target}-{precision}: nothing tried is inside BUDGET={budget} ({tried})")
    plan = material.plan(target, precision, ranges, attempts[-1].float_layers)
    if not plan.layers:
        raise CheckError(f"{target}-{precision}: no layer is left to quantise")
    return Choice(plan, ranges.method if precision in ACTIVATIONS else None, material.noise(plan), tuple(attempts))


def choose_ranges(material: Material, target: Target, precision: Precision, method: str, say: Say) -> Ranges:
    """By `method`; for "auto" by the one whose outputs are closest to the float network's."""
    return _candidates(material, target, precision, method, say)[0]


def _candidates(material: Material, target: Target, precision: Precision, method: str, say: Say) -> list[Ranges]:
    """By `method`; for "auto" by every one, that whose outputs are closest to the float network's first."""
    if precision not in ACTIVATIONS:
        return [material.calibration.ranges_of(next(iter(material.calibration.ranges)))]
    if method != AUTO:
        return [material.calibration.ranges_of(method)]
    say("comparing methods")
    every = [material.calibration.ranges_of(name) for name in material.calibration.ranges]
    return sorted(every, key=lambda ranges: material.noise(material.plan(target, precision, ranges)))


def float_layers_of(material: Material, plan: Plan) -> tuple[str, ...]:
    """Names of the layers that `plan` leaves in float, in the order of the graph."""
    return tuple(layer.name for layer in layers(material.graph_module) if layer.name not in plan.layers)


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
        method = self.ranges.method
        if self.budget is None:
            return Attempt(method, tuple(float_layers), "any loss is accepted", 0.0)
        by = f" by {method}" if self.precision in ACTIVATIONS else ""
        self.say(f"trying {len(float_layers)} layers in float{by}" if float_layers else f"trying all layers{by}")
        plan = self.material.plan(self.target, self.precision, self.ranges, float_layers)
        found: dict[str, float] = {}
        if self.material.labelled is None or self.precision == "mixed":
            found["noise"] = self.material.noise(plan)
        if self.material.labelled is not None:
            found["loss"] = self._loss(plan)
        judgement = ", ".join(f"{name} {value:.4f}" for name, value in found.items())
        return Attempt(method, tuple(float_layers), judgement, max(found.values()) - self.budget)

    def _loss(self, plan: Plan) -> float:
        assert self.material.labelled is not None
        return self.material.labelled.scores.value() - self.material.scores(self.material.run(plan)).value()
