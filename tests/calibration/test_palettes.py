"""Palettes: how near they are to the weights, and that they are the same every time."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor, nn

from edgewright_calibration.palettes import palette_of, palette_plan
from edgewright_calibration.plan import LayerPlan
from edgewright_calibration.weights import stored_weight
from edgewright_export.capture import capture, runnable

SIZES = st.sampled_from([2, 16, 64, 256])
WEIGHTS = arrays.arrays(
    np.float32, st.integers(1, 700), elements=st.floats(-4, 4, width=32, allow_subnormal=False)
).map(torch.from_numpy)


def error(weight: Tensor, palette: tuple[float, ...]) -> float:
    stored = stored_weight(weight, LayerPlan(input=None, palette=palette))
    return float(((stored - weight.double()) ** 2).sum())


@settings(deadline=None, max_examples=60)
@given(WEIGHTS, SIZES)
def test_a_palette_has_at_most_its_size_of_ascending_values_in_the_range_of_the_weights(
    weight: Tensor, size: int
) -> None:
    palette = palette_of(weight, size)
    assert 1 <= len(palette) <= size
    assert list(palette) == sorted(set(palette))
    assert float(weight.min()) <= palette[0]
    assert palette[-1] <= float(weight.max())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-4, 4, width=16), min_size=1, max_size=16, unique=True), st.integers(0, 2**32 - 1))
def test_few_different_weights_are_kept_exactly(values: list[float], seed: int) -> None:
    weight = torch.tensor(np.random.default_rng(seed).choice(values, 300), dtype=torch.float32)
    for entry in (np.float32, np.float16):
        assert error(weight, palette_of(weight, 16, entry)) == 0


@settings(deadline=None, max_examples=60)
@given(WEIGHTS, SIZES)
def test_the_error_is_not_larger_than_that_of_uniform_steps(weight: Tensor, size: int) -> None:
    uniform = tuple(np.linspace(float(weight.min()), float(weight.max()), size))
    rounding = weight.numel() * (8 * 2.0**-24) ** 2  # entries are float32, uniform ones here are not
    assert error(weight, palette_of(weight, size)) <= error(weight, uniform) * (1 + 1e-6) + rounding


def test_each_entry_is_the_mean_of_the_weights_nearest_to_it() -> None:
    weight = torch.randn(5000, generator=torch.Generator().manual_seed(0))
    palette = palette_of(weight, 16)
    indices = (weight[:, None].double() - torch.tensor(palette).double()).abs().argmin(1)
    means = [float(weight[indices == entry].double().mean()) for entry in range(16)]
    np.testing.assert_allclose(palette, means, atol=1e-6)


@pytest.mark.parametrize(("size", "best"), [(2, 0.3634), (16, 0.009497), (256, 4.1e-5)])
def test_the_error_on_normal_weights_is_that_of_the_best_quantiser(size: int, best: float) -> None:
    """Max, IRE Transactions on Information Theory 6, 1960; for 256 by Panter and Dite: pi sqrt(3) / 2 / size**2."""
    weight = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    assert error(weight, palette_of(weight, size)) / weight.numel() == pytest.approx(best, rel=0.03)


def test_the_same_weights_have_the_same_palette_on_any_number_of_threads() -> None:
    weight = torch.randn(64, 64, 3, 3, generator=torch.Generator().manual_seed(0))
    before, palettes = torch.get_num_threads(), set()
    for count in (1, 2):
        torch.set_num_threads(count)
        palettes.add(palette_of(weight, 256))
    torch.set_num_threads(before)
    assert len(palettes) == 1


@pytest.fixture(scope="module")
def network() -> torch.fx.GraphModule:
    torch.manual_seed(0)
    small, large = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 32, 3)  # 216 and 2304 weights
    return runnable(capture(nn.Sequential(small, nn.ReLU(), large), 16, 16))


@pytest.mark.parametrize(("target", "bits", "expected"), [("ncnn", 8, 1), ("coreml", 8, 1), ("coreml", 4, 2)])
def test_layers_that_a_table_would_not_make_smaller_stay_out(
    network: torch.fx.GraphModule, target: str, bits: int, expected: int
) -> None:
    plan = palette_plan(network, target, bits=bits)
    assert len(plan.layers) == expected
    assert all(len(layer.palette) == 2**bits and layer.input is None for layer in plan.layers.values())


def test_a_table_of_coreml_holds_halves(network: torch.fx.GraphModule) -> None:
    (layer,) = palette_plan(network, "coreml", bits=8).layers.values()
    assert list(layer.palette) == np.array(layer.palette, np.float16).tolist()


@pytest.mark.parametrize(("target", "bits"), [("ncnn", 6), ("tflite", 8), ("coreml", 5)])
def test_a_target_without_such_palettes_is_refused(network: torch.fx.GraphModule, target: str, bits: int) -> None:
    with pytest.raises(ValueError, match=f"{target} has no palettes of {bits} bits"):
        palette_plan(network, target, bits=bits)
