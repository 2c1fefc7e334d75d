"""The convolution that reads the image is computed directly rather than as a product of matrices.

With 3 channels in and a stride of 2, the matrix of all windows is more than twice as large as the image, and each value
in it is used for few products.  NCNN has direct kernels for windows of 3x3, and makes the matrix on x86 all the same.
Bit 32 of its feature mask of a layer (key 31) rules that out.  On ARM NCNN chooses the direct kernel anyway.
"""

from collections.abc import Sequence
from dataclasses import replace

from .ncnn_param import Layer

_NAME = "convolve-image-directly"
_FEATURE_MASK, _NO_MATRIX = 31, 32
_WIDTH, _HEIGHT, _DILATION, _STRIDE, _STRIDE_Y = 1, 11, 2, 3, 13


def convolve_image_directly(layers: Sequence[Layer]) -> list[Layer]:
    """Where it has a window of 3x3 and a stride of 2, which is what was measured."""
    images = {blob for layer in layers if layer.kind == "Input" for blob in layer.outputs}
    return [_directly(layer) if layer.inputs and layer.inputs[0] in images else layer for layer in layers]


def with_any_kernel(layer: Layer) -> Layer:
    """The same without the mask, which was not measured for int8."""
    mask = layer.integer(_FEATURE_MASK, 0) & ~_NO_MATRIX
    if mask:
        return layer.with_params({_FEATURE_MASK: str(mask)})
    return replace(layer, params={key: value for key, value in layer.params.items() if key != _FEATURE_MASK})


def rewrites_of(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Its name, if it was done."""
    return (_NAME,) if any(layer.integer(_FEATURE_MASK, 0) & _NO_MATRIX for layer in layers) else ()


def _directly(layer: Layer) -> Layer:
    width, stride = layer.integer(_WIDTH, 0), layer.integer(_STRIDE, 1)
    sides = (width, layer.integer(_HEIGHT, width), stride, layer.integer(_STRIDE_Y, stride))
    if layer.kind != "Convolution" or sides != (3, 3, 2, 2) or layer.integer(_DILATION, 1) != 1:
        return layer
    return layer.with_params({_FEATURE_MASK: str(layer.integer(_FEATURE_MASK, 0) | _NO_MATRIX)})
