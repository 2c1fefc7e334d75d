"""TFLite in int8: what LiteRT computes is what the reference computes, code by code, in every tensor of the file."""

from pathlib import Path

import pytest
from int8_cases import CASES, Case
from tflite_int8 import Quantised, exported, operations


def types_between_the_layers(path: Path) -> set[str]:
    """Of all results from the first layer's to the last's."""
    found = operations(path)
    layers = [index for index, (name, _) in enumerate(found) if name.endswith("CONV_2D")]
    return {kind for _, kind in found[layers[0] : layers[-1] + 1]}


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_every_code_is_that_of_the_reference(one: Case, tmp_path: Path) -> None:
    quantised = Quantised(exported(one.network(), one.x), one.x)
    differences = quantised.differences(tmp_path)
    if one.on_codes:
        path = tmp_path / "only.tflite"
        quantised.write(path)
        assert "float32" not in types_between_the_layers(path)
        assert differences.max() < 0.01  # reals of equal codes differ in the last bit of a float32
    else:  # the last bit of a float operation moves a code now and then
        assert differences.max() < 1.01
        assert (differences > 0.01).mean() < 0.002
