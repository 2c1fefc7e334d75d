"""Few images that show as many classes as they can, the same for the same seed."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_calibration.stratify import stratified_choice

SHOWN = st.lists(st.lists(st.integers(0, 9), max_size=4, unique=True), min_size=1, max_size=60)


@settings(deadline=None)
@given(SHOWN, st.integers(1, 70), st.integers(0, 1000))
def test_as_many_as_asked_for_and_none_twice(shown: list[list[int]], count: int, seed: int) -> None:
    chosen = stratified_choice(shown, count, seed)
    assert len(chosen) == len(set(chosen)) == min(count, len(shown))
    assert chosen == stratified_choice(shown, count, seed)


@settings(deadline=None)
@given(SHOWN, st.integers(0, 1000))
def test_every_class_is_there_where_there_are_as_many_images_as_classes(shown: list[list[int]], seed: int) -> None:
    strata = {label for classes in shown for label in classes or [-1]}
    chosen = stratified_choice(shown, len(strata), seed)
    assert {label for position in chosen for label in shown[position] or [-1]} == strata


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=30, max_size=200), st.integers(0, 1000))
def test_classes_have_equal_shares_until_one_runs_out(labels: list[int], seed: int) -> None:
    chosen = Counter(labels[position] for position in stratified_choice([[label] for label in labels], 20, seed))
    available = Counter(labels)
    largest = max(chosen.values())
    assert all(chosen[label] >= min(largest - 1, available[label]) for label in available)


def test_another_seed_chooses_other_images() -> None:
    shown = [[index % 3] for index in range(200)]
    assert set(stratified_choice(shown, 20, 0)) != set(stratified_choice(shown, 20, 1))


def test_the_order_mixes_classes() -> None:
    """A moving average must not see one class last."""
    chosen = stratified_choice([[index // 100] for index in range(200)], 40, 0)
    assert len({position // 100 for position in chosen[:8]}) == len({position // 100 for position in chosen[-8:]}) == 2
