"""Methods of calibration, on distributions whose best ranges are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgewright_calibration.grid import asymmetric_grid
from edgewright_calibration.methods import METHODS
from edgewright_calibration.methods.aciq import GAUSSIAN_256, GAUSSIAN_512, LAPLACIAN_256, LAPLACIAN_512
from edgewright_calibration.methods.kl import NUM_BINS, NUM_LEVELS, divergences
from edgewright_calibration.ranges import Range
from edgewright_calibration.statistics import TensorStatistics

NUM_VALUES = 400_000
RNG = np.random.default_rng(0)
GAUSSIAN = RNG.normal(size=NUM_VALUES)
LAPLACIAN = RNG.laplace(size=NUM_VALUES)
UNIFORM = RNG.uniform(-1, 1, NUM_VALUES)
OUTLIER = np.concatenate((LAPLACIAN[:-1], [200.0]))
CUTTING = ("percentile", "mse", "kl", "aciq")  # all that look at the distribution


def statistics_of(values: NDArray[np.floating], num_images: int = 8) -> TensorStatistics:
    found = TensorStatistics("node")
    for image in np.array_split(np.asarray(values, np.float32), num_images):
        found.update(torch.from_numpy(image), "image")
    return found


def threshold(method: str, values: NDArray[np.floating]) -> float:
    span = METHODS[method](statistics_of(values))
    return max(-span.low, span.high)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_a_uniform_distribution_is_worth_cutting_off(method: str) -> None:
    span = METHODS[method](statistics_of(UNIFORM))
    assert (-span.low, span.high) == pytest.approx((1, 1), abs=0.005)


# The quantile of a normal distribution at 1 - 1e-4 / 2, and its optimal threshold on 256 levels; of a Laplacian alike.
@pytest.mark.parametrize(
    ("method", "values", "expected", "tolerance"),
    [
        ("min_max", GAUSSIAN, np.abs(GAUSSIAN).max(), 1e-6),
        ("percentile", GAUSSIAN, 3.891, 0.05),
        ("mse", GAUSSIAN, GAUSSIAN_256, 0.1),
        ("aciq", GAUSSIAN, GAUSSIAN_256, 0.01),
        ("percentile", LAPLACIAN, -math.log(1e-4), 0.3),
        ("mse", LAPLACIAN, LAPLACIAN_256, 0.5),
        ("aciq", LAPLACIAN, LAPLACIAN_256, 0.05),
    ],
)
def test_thresholds_of_known_distributions(
    method: str, values: NDArray[np.floating], expected: float, tolerance: float
) -> None:
    assert threshold(method, values) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("method", "expected"), [("percentile", 3.719), ("mse", GAUSSIAN_512), ("aciq", GAUSSIAN_512)])
def test_half_a_gaussian_after_a_relu_starts_at_exactly_zero(method: str, expected: float) -> None:
    span = METHODS[method](statistics_of(np.maximum(GAUSSIAN, 0)))
    assert span.low == 0
    assert span.high == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_after_a_relu_low_is_exactly_zero(method: str) -> None:
    span = METHODS[method](statistics_of(np.maximum(OUTLIER, 0)))
    assert span.low == 0 < span.high


@pytest.mark.parametrize("method", ["percentile", "kl", "aciq"])
def test_one_outlier_does_not_decide_the_range(method: str) -> None:
    clean, spoilt = threshold(method, LAPLACIAN), threshold(method, OUTLIER)
    assert threshold("min_max", OUTLIER) == 200
    assert spoilt < 1.3 * clean < 20  # kl keeps at least 128 of 2048 bins: 12.5


def test_mse_pays_for_an_outlier_what_it_costs() -> None:
    """Of all thresholds on a fine scale none has less error than the chosen one."""
    found = statistics_of(OUTLIER)

    def error(limit: float) -> float:
        grid = asymmetric_grid(max(-limit, found.low), min(limit, found.high))
        x = torch.from_numpy(OUTLIER.astype(np.float32)).double()
        return float((grid.dequantise(grid.quantise(x)) - x).square().mean())

    chosen = error(max(abs(found.low), METHODS["mse"](found).high))
    assert chosen <= 1.02 * min(error(limit) for limit in np.geomspace(4, 200, 60))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.3, -7.0])
def test_a_constant_is_its_own_range(method: str, value: float) -> None:
    single = float(np.float32(value))
    assert METHODS[method](statistics_of(np.full(64, value))) == Range(low=single, high=single)


@pytest.mark.parametrize("method", METHODS)
def test_a_distribution_far_from_zero_is_not_cut_away(method: str) -> None:
    span = METHODS[method](statistics_of(GAUSSIAN[:10_000] * 0.01 + 50))
    assert 49.9 < span.low < 50 < span.high < 50.1


VALUES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40).map(
    lambda values: np.array(values, np.float32)
)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=50)
@given(values=VALUES)
def test_every_range_lies_within_what_was_seen(method: str, values: NDArray[np.float32]) -> None:
    found = statistics_of(values, 1)
    span = METHODS[method](found)
    assert found.low <= span.low <= span.high <= found.high
    if found.low >= 0:
        assert span.low == found.low
    if found.high <= 0:
        assert span.high == found.high


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=20)
@given(power=st.integers(-40, 40))
def test_a_range_scales_with_the_values(method: str, power: int) -> None:
    values = np.concatenate((GAUSSIAN[:2000], [20.0])).astype(np.float32)
    one, other = (METHODS[method](statistics_of(scaled, 1)) for scaled in (values, values * np.float32(2.0**power)))
    assert (other.low, other.high) == pytest.approx((one.low * 2.0**power, one.high * 2.0**power), rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_negative_of_the_values_has_the_negative_range(method: str) -> None:
    one, other = (METHODS[method](statistics_of(values)) for values in (OUTLIER, -OUTLIER))
    assert (-other.high, -other.low) == pytest.approx((one.low, one.high), rel=0.02)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "moving_average"])
def test_only_moving_averages_depend_on_how_values_spread_over_images(method: str) -> None:
    assert METHODS[method](statistics_of(OUTLIER, 8)) == METHODS[method](statistics_of(OUTLIER[::-1], 32))


def test_a_moving_average_forgets_an_outlier_that_min_max_keeps() -> None:
    images = np.tile(np.linspace(-1, 1, 100), 20)
    images[50] = 500
    span = METHODS["moving_average"](statistics_of(images, 20))
    assert span.low == pytest.approx(-1)
    assert span.high == pytest.approx(1 + 499 * 0.95**19)


def test_aciq_thresholds_minimise_the_expected_error() -> None:
    """Their derivatives, as in the paper's equations for the two distributions, change sign there."""

    def gaussian(a: float, levels: int) -> float:
        return a * math.erfc(a / math.sqrt(2)) - math.sqrt(2 / math.pi) * math.exp(-a * a / 2) + a / (3 * levels**2)

    def laplacian(a: float, levels: int) -> float:
        return a / (3 * levels**2) - math.exp(-a)

    for derivative, best, levels in (
        (gaussian, GAUSSIAN_256, 256),
        (gaussian, GAUSSIAN_512, 512),
        (laplacian, LAPLACIAN_256, 256),
        (laplacian, LAPLACIAN_512, 512),
    ):
        assert derivative(best - 2e-6, levels) < 0 < derivative(best + 2e-6, levels)


def _divergence(p: NDArray[np.float64], kept: int) -> float:
    """By the definition: every group of kept / 128 bins is replaced by its mean, bin by bin."""
    clip = p[:kept] + 1e-4
    clip[-1] += p[kept:].sum()
    expanded = np.full(kept, 1e-4)
    for group in range(NUM_LEVELS):
        start, end = group * kept / NUM_LEVELS, (group + 1) * kept / NUM_LEVELS
        overlaps = [max(0.0, min(end, k + 1) - max(start, k)) for k in range(kept)]
        expanded += np.array(overlaps) * (np.array(overlaps) @ p[:kept]) / (end - start)
    return float((clip * np.log(clip / expanded)).sum())


@pytest.mark.parametrize("kept", [128, 129, 192, 200, 255, 1000, 1024, 2047])
def test_divergences_are_those_of_the_definition(kept: int) -> None:
    p = np.histogram(np.abs(LAPLACIAN), bins=NUM_BINS)[0] / NUM_VALUES
    assert divergences(p)[kept - NUM_LEVELS] == pytest.approx(_divergence(p, kept), rel=1e-9)


def _two_pass_divergences(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """On bins up to the largest magnitude, which ncnn2table finds in a pass before."""
    p = np.histogram(np.abs(values), bins=NUM_BINS, range=(0, np.abs(values).max()))[0]
    return divergences(p / p.sum())


def test_kl_in_one_pass_finds_what_two_passes_find() -> None:
    quantiles = (np.arange(NUM_VALUES) + 0.5) / NUM_VALUES - 0.5
    smooth = -np.sign(quantiles) * np.log1p(-2 * np.abs(quantiles))  # of a Laplacian, without noise
    best = NUM_LEVELS + int(np.argmin(_two_pass_divergences(smooth)))
    assert threshold("kl", smooth) == pytest.approx((best + 0.5) * np.abs(smooth).max() / NUM_BINS)


@pytest.mark.parametrize("values", [GAUSSIAN, LAPLACIAN, OUTLIER], ids=["gaussian", "laplacian", "outlier"])
def test_kl_of_noisy_histograms_is_as_good_as_in_two_passes(values: NDArray[np.floating]) -> None:
    """Many thresholds are almost equally good; sharing bins out chooses another one of those."""
    found = _two_pass_divergences(values)
    kept = round(threshold("kl", values) / np.abs(values).max() * NUM_BINS - 0.5)
    assert found[kept - NUM_LEVELS] <= 1.005 * found.min()
