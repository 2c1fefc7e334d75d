"""Only a 3x3 convolution of stride 2 that reads the image is computed without the matrix of its windows."""

import pytest

from edgewright_export.ncnn_direct import convolve_image_directly, rewrites_of, with_any_kernel
from edgewright_export.ncnn_param import Layer

INPUT = Layer("Input", "in", (), ("image",), {})
FIRST = {0: "24", 1: "3", 3: "2", 4: "1", 6: "648"}


def _convolution(params: dict[int, str], *, kind: str = "Convolution", reads: str = "image") -> list[Layer]:
    return [INPUT, Layer(kind, "conv", (reads,), ("out",), params)]


def test_the_first_convolution_gets_the_mask_and_keeps_the_others() -> None:
    for mask, expected in ((None, "32"), ("2", "34"), ("32", "32")):
        layers = _convolution(FIRST if mask is None else {**FIRST, 31: mask})
        direct = convolve_image_directly(layers)
        assert direct == [INPUT, layers[1].with_params({31: expected})]
        assert rewrites_of(direct) == ("convolve-image-directly",)
        assert with_any_kernel(direct[1]) == (layers[1] if mask == "2" else _convolution(FIRST)[1])


@pytest.mark.parametrize(
    "layers",
    [
        _convolution({**FIRST, 3: "1"}),
        _convolution({**FIRST, 1: "7"}),
        _convolution({**FIRST, 11: "1"}),
        _convolution({**FIRST, 13: "1"}),
        _convolution({**FIRST, 2: "2"}),
        _convolution(FIRST, reads="other"),
        _convolution(FIRST, kind="ConvolutionDepthWise"),
        [INPUT],
    ],
)
def test_any_other_layer_is_left_alone(layers: list[Layer]) -> None:
    assert convolve_image_directly(layers) == layers
    assert rewrites_of(layers) == ()
