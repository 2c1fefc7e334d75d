"""Statistics of a tensor: exact counts in bins that grow, in one pass, whatever the order of the images."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgewright_calibration.statistics import BINS_PER_SIGN, TensorStatistics
from edgewright_train.errors import CheckError

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
IMAGES = st.integers(1, 6).flatmap(lambda size: st.lists(st.lists(FLOATS, min_size=size, max_size=size), min_size=1))


def statistics_of(*images: Tensor) -> TensorStatistics:
    found = TensorStatistics("node")
    for image in images:
        found.update(image, "image")
    return found


@settings(deadline=None)
@given(IMAGES)
def test_counts_are_those_of_the_final_bins_from_the_start(images: list[list[float]]) -> None:
    found = statistics_of(*(torch.tensor(image) for image in images))
    values = np.array(images, np.float32).astype(np.float64).reshape(-1)
    bins = np.floor(np.abs(values) / found.bin_width).astype(int)
    expected = np.bincount(
        np.where(values < 0, BINS_PER_SIGN - 1 - bins, BINS_PER_SIGN + bins), minlength=2 * BINS_PER_SIGN
    )
    np.testing.assert_array_equal(found.counts, expected)
    assert found.num_zeros == np.count_nonzero(values == 0)
    assert (found.low, found.high) == (values.min(), values.max())
    assert found.num_values == len(values) == found.counts.sum()


@settings(deadline=None)
@given(IMAGES, st.randoms(use_true_random=False))
def test_the_order_of_images_changes_nothing_but_the_moving_averages(images: list[list[float]], random: object) -> None:
    shuffled = list(images)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (statistics_of(*(torch.tensor(image) for image in order)) for order in (images, shuffled))
    np.testing.assert_array_equal(one.counts, other.counts)
    assert (one.low, one.high, one.num_zeros, one.bin_width) == (
        other.low,
        other.high,
        other.num_zeros,
        other.bin_width,
    )


@settings(deadline=None)
@given(st.floats(2.0**-100, 2.0**127, width=32))
def test_bins_are_as_narrow_as_a_power_of_two_allows(magnitude: float) -> None:
    for value in (magnitude, -magnitude):
        bins = magnitude / statistics_of(torch.tensor([value])).bin_width
        assert BINS_PER_SIGN / 2 <= bins < BINS_PER_SIGN


def test_magnitudes_fold_both_signs_and_leave_zeros_out() -> None:
    found = statistics_of(torch.tensor([0.0, -0.0, 0.5, -0.5, -0.25, 1.0]))
    magnitudes = found.magnitudes()
    assert magnitudes.sum() == 4
    assert magnitudes[int(0.5 / found.bin_width)] == 2
    assert magnitudes[int(0.25 / found.bin_width)] == magnitudes[int(1 / found.bin_width)] == 1


def test_moving_averages_start_at_the_first_image_and_keep_95_percent_of_the_past() -> None:
    found = statistics_of(torch.tensor([-1.0, 2.0]), torch.tensor([-3.0, 12.0]), torch.tensor([0.0, 0.0]))
    assert found.moving_low == pytest.approx((-1 * 0.95 - 3 * 0.05) * 0.95)
    assert found.moving_high == pytest.approx((2 * 0.95 + 12 * 0.05) * 0.95)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_by_node_and_image(bad: float) -> None:
    found = statistics_of(torch.tensor([1.0, 2.0]))
    with pytest.raises(CheckError, match=r"node 'node' is not finite on calibration image 'b.jpg'"):
        found.update(torch.tensor([1.0, bad]), "b.jpg")
    assert found.num_images == found.counts.sum() / 2 == 1


def test_tensors_that_are_not_contiguous_count_all_the_same() -> None:
    x = torch.arange(24.0).reshape(2, 3, 4) - 12
    np.testing.assert_array_equal(statistics_of(x.permute(2, 0, 1)).counts, statistics_of(x).counts)
