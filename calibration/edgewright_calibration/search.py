"""The fewest, cheapest layers in float so that a plan is good enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .sensitivity import LayerError


@dataclass(frozen=True)
class Attempt:
    """One plan that was tried.

    Attributes:
        method: of its ranges.
        float_layers: that it leaves in float besides those that are always.
        judgement: the figures it was judged by, in words.
        excess: by how much the largest of them is above the budget.
    """

    method: str
    float_layers: tuple[str, ...]
    judgement: str
    excess: float

    @property
    def accepted(self) -> bool:
        return self.excess <= 0

    def __str__(self) -> str:
        return f"{self.method}, {len(self.float_layers)} in float: {self.judgement}"


Judge = Callable[[Sequence[str]], Attempt]  # names of float layers -> what becomes of such a plan


def search(errors: Sequence[LayerError], judge: Judge) -> list[Attempt]:
    """What was tried, the last one being the answer if it was accepted and else that nothing is.

    All of them in int8 are known not to be enough.

    Layers go to float in the order of the error that each takes away per multiplication, and as many as it takes: the
    number is found by bisection, as more float never hurts beyond the noise of the judgement.  Layers without any
    error are never moved.
    """
    order = [error.layer.name for error in sorted(errors, key=_worth, reverse=True) if error.noise > 0]
    attempts: list[Attempt] = []
    enough = _doubled(order, judge, attempts)
    if enough is None:
        return attempts
    best = attempts[-1]
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        attempt = judge(tuple(order[:middle]))
        attempts.append(attempt)
        if attempt.accepted:
            enough, best = middle, attempt
        else:
            too_few = middle
    if attempts[-1] is not best:
        attempts.remove(best)
        attempts.append(best)
    return attempts


def _doubled(order: Sequence[str], judge: Judge, attempts: list[Attempt]) -> int | None:
    """1, 2, 4 ... layers until it is enough; None when even all of them are not."""
    count = 1
    while order:
        count = min(count, len(order))
        attempts.append(judge(tuple(order[:count])))
        if attempts[-1].accepted:
            return count
        if count == len(order):
            break
        count *= 2
    return None


def _worth(error: LayerError) -> float:
    return error.noise / error.layer.macs
