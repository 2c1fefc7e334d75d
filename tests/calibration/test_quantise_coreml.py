"""Quantised CoreML packages, run by the interpreter: they compute what the reference computes."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import coremltools as ct
import numpy as np
import pytest
import torch
from mil_cases.programs import operations_of
from ncnn_int8 import Captured, captured
from quantising import EveryLayer, Quantised, largest_difference, plan_for, quantised

from edgewright_calibration.grid import Grid
from edgewright_calibration.layers import layers
from edgewright_calibration.plan import LayerPlan, Plan
from edgewright_calibration.weights import stored_weight
from edgewright_export.manifest import Precision
from edgewright_export.mil.package import Package
from edgewright_train.errors import CheckError

PRECISIONS: tuple[Precision, ...] = ("int8", "w8", "palette8", "palette6", "palette4")


@pytest.fixture(scope="module")
def source() -> Captured:
    return captured(EveryLayer())


@pytest.fixture(scope="module")
def packages(source: Captured, tmp_path_factory: pytest.TempPathFactory) -> dict[Precision, Quantised]:
    folder = tmp_path_factory.mktemp("coreml")
    return {
        precision: quantised(source, plan_for(source, "coreml", precision), precision, folder / precision)
        for precision in PRECISIONS
    }


def operations(made: Quantised) -> Counter[str]:
    model = Package(made.folder / made.artefact.entry).model
    return Counter(operation.type for operation in operations_of(model))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_equals_the_reference(packages: dict[Precision, Quantised], precision: Precision) -> None:
    made = packages[precision]
    assert made.plan.layers
    assert largest_difference(made.computed(), made.expected()) == 0


def test_the_steps_are_between_the_layers_too(packages: dict[Precision, Quantised]) -> None:
    """Else equality would mean that rounding is nowhere: int8 is further from float than int8 weights are."""
    with torch.no_grad():
        source = packages["int8"].source
        floats = [
            {name: value[0].numpy() for name, value in zip(source.output_names, run, strict=True)}
            for run in map(source.graph, source.tensors())
        ]
    differences = [largest_difference(packages[precision].computed(), floats) for precision in ("int8", "w8")]
    assert differences[0] > differences[1] > 1e-4


@pytest.mark.parametrize(
    ("precision", "expected", "ios"),
    [
        ("int8", {"quantize": 6, "dequantize": 6, "constexpr_affine_dequantize": 7}, 17),
        ("w8", {"constexpr_affine_dequantize": 7}, 16),
        ("palette8", {"constexpr_lut_to_dense": 3}, 16),  # of 13824, 2304 and 1536 weights
        ("palette4", {"constexpr_lut_to_dense": 6}, 16),
    ],
)
def test_a_package_has_the_operations_of_its_precision_and_asks_for_no_newer_system(
    packages: dict[Precision, Quantised], precision: Precision, expected: dict[str, int], ios: int
) -> None:
    made = packages[precision]
    found = operations(made)
    compressed = ("quantize", "dequantize", "constexpr_affine_dequantize", "constexpr_lut_to_dense")
    assert {name: found[name] for name in compressed if found[name]} == expected
    model = ct.models.MLModel(str(made.folder / made.artefact.entry), skip_model_load=True)
    assert model.get_spec().specificationVersion == {16: 7, 17: 8}[ios]


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_coremltools_decompresses_the_weights_that_the_plan_says(
    packages: dict[Precision, Quantised], precision: Precision
) -> None:
    made = packages[precision]
    model = ct.models.MLModel(str(made.folder / made.artefact.entry), skip_model_load=True)
    dense = ct.optimize.coreml.decompress_weights(model)
    found = {
        (weight.val + np.float16(0)).tobytes() for weight in ct.optimize.coreml.get_weights_metadata(dense, 0).values()
    }
    for layer in layers(made.source.graph):
        if layer.name in made.plan.layers:  # + 0: -0 becomes 0
            stored = stored_weight(layer.weight, made.plan.layers[layer.name])
            assert (stored.half() + 0).numpy().tobytes() in found


def test_layers_that_the_plan_leaves_in_float_stay_so(source: Captured, tmp_path: Path) -> None:
    names = [layer.name for layer in layers(source.graph)]
    plan = plan_for(source, "coreml", "mixed", float_layers=[names[0], names[3]])
    made = quantised(source, plan, "mixed", tmp_path / "mixed")
    assert largest_difference(made.computed(), made.expected()) == 0
    assert operations(made)["constexpr_affine_dequantize"] == 5


def test_palettes_of_fewer_values_are_padded(source: Captured, tmp_path: Path) -> None:
    name = next(iter(layers(source.graph))).name
    plan = Plan(target="coreml", layers={name: LayerPlan(input=None, palette=(-0.125, 0.0, 0.25))}, half_floats=True)
    made = quantised(source, plan, "palette4", tmp_path / "three")
    assert largest_difference(made.computed(), made.expected()) == 0


_AGAIN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from ncnn_int8 import captured
from quantising import EveryLayer, quantised
from edgewright_calibration.plan import read_plan
quantised(captured(EveryLayer()), read_plan(Path(sys.argv[1])), "int8", Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_two_conversions_are_byte_identical_even_in_other_processes(
    packages: dict[Precision, Quantised], tmp_path: Path
) -> None:
    first = packages["int8"]
    second = quantised(first.source, first.plan, "int8", tmp_path / "second")
    code = _AGAIN.format(tests=str(Path(__file__).parents[1]))
    subprocess.run(
        [sys.executable, "-c", code, first.folder.parent / "plan.json", tmp_path / "third"],
        env={**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2"}, check=True, capture_output=True,
    )  # fmt: skip
    third = Quantised(first.source, first.plan, "int8", first.artefact, tmp_path / "third" / "files")
    assert first.contents() == second.contents() == third.contents()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"no_such_layer": LayerPlan(input=None, palette=(1.0,))}, "'no_such_layer' is not one of the network's"),
        ({"conv2d": LayerPlan(input=None, palette=(0.0, 0.1))}, "0.1 is not a half-precision number"),
        (
            {"conv2d": LayerPlan(input=Grid(scale=1, zero_point=0, low=-127, high=127), weight_scales=(1.0,) * 16)},
            "the codes -128..127, not -127..127",
        ),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(
    source: Captured, tmp_path: Path, change: dict[str, LayerPlan], message: str
) -> None:
    with pytest.raises(CheckError, match=message):
        quantised(source, Plan(target="coreml", layers=change, half_floats=True), "int8", tmp_path / "refused")
