"""Which layers of ncnn a build needs that runs one pack only."""

from pathlib import Path

from edgewright_export.ncnn_param import Layer, parse_param
from edgewright_export.pack import Pack
from edgewright_train.errors import InputError

# ncnn adds these by itself: to pack channels, cast to half precision, pad borders, flatten for a linear layer.
_IMPLICIT = frozenset({"Packing", "Cast", "Padding", "Flatten"})
_INT8 = frozenset({"Quantize", "Dequantize", "Requantize"})
# A grouped convolution that ncnn has no kernel for is one convolution per group.
_CREATED_BY = {"ConvolutionDepthWise": {"Convolution"}}
# A convolution of a vector is a linear layer.  These may give vectors; so does a global pooling.
_VECTORS = frozenset({"Flatten", "InnerProduct", "MemoryData", "Reduction", "Reshape", "Squeeze"})
_GLOBAL_POOLING = 4  # a key of Pooling
# Fused activations (key 9 of a convolution or linear layer); where a kernel has none of its own, a layer computes it.
_ACTIVATIONS = {1: "ReLU", 2: "ReLU", 3: "Clip", 4: "Sigmoid", 5: "Mish", 6: "HardSwish"}


def layers_of(pack: Pack) -> tuple[frozenset[str], bool]:
    """The class names, and whether the kernels of int8 are needed.  Raises `InputError` for packs of other runtimes."""
    if pack.manifest.target != "ncnn":
        raise InputError(f"{pack.path}: edgebench runs NCNN packs, this one is for {pack.manifest.target}")
    layers = parse_param(Path(pack.path / pack.manifest.entry).read_text())
    named = {layer.kind for layer in layers}
    created = {name for layer in layers for name in _CREATED_BY.get(layer.kind, ())}
    if named & _CONVOLUTIONS and any(_may_give_vector(layer) for layer in layers):
        created.add("InnerProduct")
    activations = {_ACTIVATIONS.get(layer.integer(9, 0)) for layer in layers if layer.kind in _WITH_ACTIVATION}
    has_int8 = pack.manifest.precision not in ("fp32", "fp16")
    needed = named | created | _IMPLICIT | {name for name in activations if name} | (_INT8 if has_int8 else set())
    return frozenset(needed), has_int8


def _may_give_vector(layer: Layer) -> bool:
    return layer.kind in _VECTORS or (layer.kind == "Pooling" and layer.integer(_GLOBAL_POOLING, 0) != 0)


_CONVOLUTIONS = frozenset({"Convolution", "ConvolutionDepthWise"})
_WITH_ACTIVATION = _CONVOLUTIONS | {"InnerProduct"}
