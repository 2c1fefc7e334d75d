"""NCNN: int8 layers and palettes, written straight into the float model that pnnx makes.

An int8 layer holds its weights as codes, a scale per output channel (per group, of a depthwise one) and one scale for
its input; key 8 of its line says so.  NCNN multiplies by a scale where a grid divides by it: its scale is 1 / step.
Format and codes: `load_param` and `load_model` of Convolution, ConvolutionDepthWise and InnerProduct in ncnn
1.0.20261020; the rule for chains: its tool ncnn2int8.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_export import to_ncnn
from edgewright_export.capture import runnable
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_export.ncnn_bin import (
    TAG_CODEBOOK,
    TAG_FLOAT16,
    TAG_INT8,
    Stored,
    Weights,
    plain,
    read_bin,
    tagged,
    write_bin,
)
from edgewright_export.ncnn_direct import rewrites_of, with_any_kernel
from edgewright_export.ncnn_param import Layer as NcnnLayer
from edgewright_export.ncnn_param import parse_param, write_param
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.errors import CheckError

from ..layers import Layer, layers
from ..layerwise import ncnn_computes
from ..plan import LayerPlan, Plan, read_plan
from ..weights import palette_indices, weight_codes
from .ncnn_check import check_layers
from .ncnn_match import WEIGHTED, consumers_of, find_layers

if TYPE_CHECKING:
    from torch.export import ExportedProgram

BIN = "model.bin"

_INT8_TERM = 8
_CODES = {"Convolution": 2, "ConvolutionDepthWise": 1, "InnerProduct": 2}
_INT8_OUTPUT = 100  # added to the code
_FEATURE_MASK, _NO_WINOGRAD = 31, 64
_PAD_VALUE = 18
_CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise")


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.param` and `model.bin`.

    Raises `CheckError` for a plan that NCNN cannot compute, and when a layer does not compute what the plan says.
    """
    assert spec.plan is not None
    graph_module, plan, float_model = runnable(exported), read_plan(spec.plan), _float_model(exported, spec)
    places = find_layers(graph_module, float_model.layers, float_model.weights)
    model = quantised(float_model, graph_module, plan, places)
    (folder / to_ncnn.ENTRY).write_text(write_param(list(model.layers)))
    (folder / BIN).write_bytes(write_bin(model.weights))
    check_layers(graph_module, plan, folder / to_ncnn.ENTRY, places, _test_image(spec))
    return Artefact(entry=to_ncnn.ENTRY, rewrites=rewrites_of(model.layers))


@dataclass(frozen=True)
class NcnnModel:
    """`weights`: one entry per layer."""

    layers: Sequence[NcnnLayer]
    weights: Sequence[Weights]


def quantised(model: NcnnModel, graph_module: fx.GraphModule, plan: Plan, places: Mapping[str, int]) -> NcnnModel:
    """`model`, all float32, as the plan has it; what it leaves in float becomes float16 if it says so.

    `places`: see `find_layers`.
    """
    planned = {
        places[layer.name]: (layer, plan.layers[layer.name])
        for layer in layers(graph_module)
        if layer.name in plan.layers
    }
    if unknown := [name for name in plan.layers if name not in places]:
        raise CheckError(f"ncnn: the plan's layer {unknown[0]!r} is not one of the network's")
    new_layers, new_weights = list(model.layers), list(model.weights)
    for position, (layer, found) in planned.items():
        ncnn_layer, tensors = model.layers[position], model.weights[position]
        if found.input is None:
            new_weights[position] = _with_palette(layer, found, tensors)
        else:
            new_layers[position], new_weights[position] = _in_int8(layer, found, ncnn_layer, tensors)
    _keep_chains_in_int8(new_layers, new_weights)
    if plan.half_floats:
        new_weights = [_in_half(layer, tensors) for layer, tensors in zip(new_layers, new_weights, strict=True)]
    return NcnnModel(new_layers, new_weights)


def _float_model(exported: "ExportedProgram", spec: ConversionSpec) -> NcnnModel:
    """In float32, since its weights tell its layers apart; made once for all plans of one export."""
    folder = spec.scratch / "ncnn-float"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=spec.scratch) as temporary:
            made = Path(temporary) / folder.name
            made.mkdir()
            to_ncnn.convert(exported, replace(spec, precision="fp32", plan=None), made)
            made.rename(folder)
    found = parse_param((folder / to_ncnn.ENTRY).read_text())
    return NcnnModel(found, read_bin(found, (folder / BIN).read_bytes()))


def _test_image(spec: ConversionSpec) -> Tensor:
    """A generated one, (1, 3, H, W), normalised."""
    image = ShapesDataset("val", count=1).image(0)
    return torch.from_numpy(spec.preprocess.normalise(spec.preprocess.network_image(image)))


def _with_palette(layer: Layer, plan: LayerPlan, tensors: Weights) -> Weights:
    if not plan.palette:
        raise CheckError(f"ncnn: layer {layer.name!r} is to compute in float with int8 weights; NCNN needs a palette")
    indices = palette_indices(layer.weight, plan.palette).numpy().astype("<u1")
    stored = tagged("weight", TAG_CODEBOOK, indices, np.array(plan.palette, np.float32))
    return _with_weight(tensors, stored)


def _in_int8(layer: Layer, plan: LayerPlan, ncnn_layer: NcnnLayer, tensors: Weights) -> tuple[NcnnLayer, Weights]:
    assert plan.input is not None
    ncnn_layer = with_any_kernel(ncnn_layer)
    _refuse_what_int8_computes_wrong(layer, plan, ncnn_layer)
    codes = weight_codes(layer.weight, plan.weight_scales).to(torch.int8).numpy()
    changes = {_INT8_TERM: str(_CODES[ncnn_layer.kind])}
    if _would_use_winograd(ncnn_layer):
        changes[_FEATURE_MASK] = str(ncnn_layer.integer(_FEATURE_MASK, 0) | _NO_WINOGRAD)
    scales = [
        plain("weight_scales", _inverse(plan.weight_scales)),
        plain("input_scale", _inverse([plan.input.scale])),
    ]
    return ncnn_layer.with_params(changes), (*_with_weight(tensors, tagged("weight", TAG_INT8, codes)), *scales)


def _refuse_what_int8_computes_wrong(layer: Layer, plan: LayerPlan, ncnn_layer: NcnnLayer) -> None:
    if not ncnn_computes(layer):
        raise CheckError(f"ncnn: layer {layer.name!r} has groups of several channels, which its int8 computes wrong")
    if plan.input is None or plan.input.zero_point != 0 or plan.input.low < -127:
        raise CheckError(f"ncnn: layer {layer.name!r}: NCNN's codes are -127..127 without zero point")
    if float(ncnn_layer.params.get(_PAD_VALUE, "0")) != 0:
        raise CheckError(f"ncnn: layer {layer.name!r} is padded with another value than 0, which int8 cannot be")


def _would_use_winograd(layer: NcnnLayer) -> bool:
    """Its int8 Winograd keeps transformed weights in 16 bits, which overflow: only dense 3x3, stride 1, dilation 1."""
    sides = [layer.integer(key, default) for key, default in ((1, 0), (2, 1), (3, 1))]
    others = [layer.integer(key, side) for key, side in zip((11, 12, 13), sides, strict=True)]
    return layer.kind == "Convolution" and sides == others == [3, 1, 1]


def _keep_chains_in_int8(ncnn_layers: list[NcnnLayer], weights: list[Weights]) -> None:
    """A convolution that is read by int8 convolutions alone, with one input scale, gives them codes.

    They would compute the same codes from floats: this only saves the way there and back.
    """
    readers = consumers_of(ncnn_layers)
    for position, layer in enumerate(ncnn_layers):
        if not _int8_convolution(layer):
            continue
        scales = {_input_scale(ncnn_layers, weights, reader) for reader in _final_readers(layer, ncnn_layers, readers)}
        if len(scales) == 1 and (scale := scales.pop()) is not None:
            code = layer.integer(_INT8_TERM, 0) + _INT8_OUTPUT
            ncnn_layers[position] = layer.with_params({_INT8_TERM: str(code)})
            weights[position] = (*weights[position], plain("output_scale", [scale]))


def _int8_convolution(layer: NcnnLayer) -> bool:
    return layer.kind in _CONVOLUTIONS and layer.integer(_INT8_TERM, 0) != 0


def _final_readers(layer: NcnnLayer, ncnn_layers: Sequence[NcnnLayer], readers: Mapping[str, list[int]]) -> list[int]:
    """Of its output, or of all outputs of the Split that alone reads it; -1 for an output of the network."""
    direct = [reader for blob in layer.outputs for reader in readers.get(blob, [-1])]
    if len(direct) == 1 and direct[0] >= 0 and ncnn_layers[direct[0]].kind == "Split":
        return [reader for blob in ncnn_layers[direct[0]].outputs for reader in readers.get(blob, [-1])]
    return direct


def _input_scale(ncnn_layers: Sequence[NcnnLayer], weights: Sequence[Weights], position: int) -> float | None:
    """None where the layer does not take codes."""
    if position < 0 or not _int8_convolution(ncnn_layers[position]):
        return None
    (scale,) = (tensor.values[0] for tensor in weights[position] if tensor.role == "input_scale")
    return float(scale)


def _in_half(layer: NcnnLayer, tensors: Weights) -> Weights:
    if layer.kind not in WEIGHTED:
        return tensors
    return tuple(_half(tensor) if tensor.role == "weight" else tensor for tensor in tensors)


def _half(tensor: Stored) -> Stored:
    if tensor.values.dtype != np.float32:
        return tensor
    return tagged("weight", TAG_FLOAT16, tensor.values.astype("<f2"))


def _with_weight(tensors: Weights, stored: Stored) -> Weights:
    return tuple(stored if tensor.role == "weight" else tensor for tensor in tensors)


def _inverse(scales: Sequence[float]) -> NDArray[np.float32]:
    return (1 / np.array(scales, np.float64)).astype(np.float32)
