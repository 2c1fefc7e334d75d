"""The search leaves no more layers in float than the judge asks for, and those that hurt most per multiplication."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edgewright_calibration.search import Attempt, search
from edgewright_calibration.sensitivity import LayerError


def errors(noises: Sequence[float], macs: Sequence[int] | None = None) -> list[LayerError]:
    layer: Any = SimpleNamespace
    sizes = macs or [1] * len(noises)
    return [
        LayerError(layer(name=f"layer{index}", macs=size), noise)
        for index, (noise, size) in enumerate(zip(noises, sizes, strict=True))
    ]


class Needing:
    """A judge that wants at least so many layers in float, and counts how often it is asked."""

    def __init__(self, count: int) -> None:
        self.count, self.asked = count, 0

    def __call__(self, float_layers: Sequence[str]) -> Attempt:
        self.asked += 1
        return Attempt("mse", tuple(float_layers), "", 0.0 if len(float_layers) >= self.count else 1.0)


@given(st.integers(1, 60).flatmap(lambda total: st.tuples(st.just(total), st.integers(1, total))))
def test_it_finds_the_smallest_number_with_few_questions(case: tuple[int, int]) -> None:
    total, needed = case
    judge = Needing(needed)
    attempts = search(errors([1.0 + index for index in range(total)]), judge)
    assert attempts[-1].accepted
    assert len(attempts[-1].float_layers) == needed
    assert judge.asked <= 14


def test_layers_go_to_float_by_error_per_multiplication() -> None:
    attempts = search(errors([4.0, 3.0, 2.0], macs=[100, 1, 10]), Needing(2))
    assert attempts[-1].float_layers == ("layer1", "layer2")


def test_layers_without_error_are_never_moved() -> None:
    attempts = search(errors([0.0, 1.0, 0.0]), Needing(2))
    assert not attempts[-1].accepted
    assert {name for attempt in attempts for name in attempt.float_layers} == {"layer1"}


def test_when_nothing_is_enough_the_last_attempt_says_so_and_all_are_kept() -> None:
    attempts = search(errors([1.0] * 5), Needing(99))
    assert [len(attempt.float_layers) for attempt in attempts] == [1, 2, 4, 5]
    assert not any(attempt.accepted for attempt in attempts)


def test_a_network_without_errors_has_nothing_to_try() -> None:
    assert search(errors([0.0, 0.0]), Needing(1)) == []
