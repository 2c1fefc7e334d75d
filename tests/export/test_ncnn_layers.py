"""NCNN: an export uses only layers that the edge core has."""

import re
from pathlib import Path

import pytest

from edgewright_export.ncnn_layers import NCNN_LAYERS, refuse_foreign_layers
from edgewright_export.ncnn_param import parse_param
from edgewright_train.errors import CheckError

CMAKE = Path(__file__).resolve().parents[2] / "edge" / "cmake" / "ncnn.cmake"


def test_the_layers_are_those_that_the_edge_core_is_built_with() -> None:
    found = re.search(r"set\(EDGEWRIGHT_NCNN_LAYERS([^)]*)\)", CMAKE.read_text())
    assert found is not None
    assert set(found[1].split()) == NCNN_LAYERS


@pytest.mark.parametrize("kind", ["aten::fft", "pnnx.Expression", "Gemm"])
def test_other_layers_are_refused_by_name(kind: str) -> None:
    with pytest.raises(CheckError, match=kind):
        refuse_foreign_layers(parse_param(f"7767517\n2 2\nInput in 0 1 in\n{kind} a 1 1 in b\n"))
