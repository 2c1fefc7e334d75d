"""NCNN: layers that half precision is too small for get a mask, and their weights stay in float32.

NCNN's mask of a layer (key 31) switches half-precision arithmetic (1) and storage (2) off for it, but does not convert
what it reads: on ARM a masked layer takes the bits of half-precision values for float32.  NCNN does convert the input
of a layer that has no half-precision kernel.  `Permute` has none on any CPU, and keeping the order of axes it does
nothing else: one stands wherever a masked layer reads the result of one that is not masked.  In the other direction
nothing is needed.  Source: `convert_layout` and `get_masked_option` in src/net.cpp of ncnn 1.0.20261020.
"""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_export import to_ncnn
from edgewright_export.capture import runnable, without_channel_shuffles
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_export.ncnn_bin import Weights, read_bin, write_bin
from edgewright_export.ncnn_param import Layer, parse_param, write_param
from edgewright_export.ncnn_widen import widen_strided_depthwise
from edgewright_train.errors import CheckError

from ..layers import layers
from ..quantise.ncnn_match import find_layers
from .regions import Operation, covering

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_MASK, _NO_HALF = 31, 1 | 2
_IN_FLOAT32 = ("Input", "MemoryData")  # what they give is float32 whatever the precision
_SAME_ORDER = {0: "0"}


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.param` and `model.bin`.  Raises `CheckError` naming a layer that cannot be told from others."""
    if not spec.full_precision:
        return to_ncnn.convert(exported, spec, folder)
    artefact = to_ncnn.convert(exported, spec, folder)
    graph_module = without_channel_shuffles(exported)
    widen_strided_depthwise(graph_module)
    with tempfile.TemporaryDirectory(prefix="edgewright-float-") as scratch:
        to_ncnn.convert_graph(graph_module, replace(spec, precision="fp32", full_precision=()), Path(scratch))
        wide_layers, wide = _read(Path(scratch))
    narrow_layers, narrow = _read(folder)
    if wide_layers != narrow_layers:
        raise CheckError("ncnn: pnnx makes different layers in half precision, so none can stay in float32")
    masked = _masked(exported, spec.full_precision, wide_layers, wide)
    weights = [wide[position] if position in masked else narrow[position] for position in range(len(wide))]
    written, written_weights = _with_masks(wide_layers, weights, masked)
    (folder / to_ncnn.ENTRY).write_text(write_param(written))
    (folder / to_ncnn.ENTRY).with_suffix(".bin").write_bytes(write_bin(written_weights))
    return artefact


def _read(folder: Path) -> tuple[list[Layer], list[Weights]]:
    param = folder / to_ncnn.ENTRY
    found = parse_param(param.read_text())
    return found, read_bin(found, param.with_suffix(".bin").read_bytes())


def _masked(
    exported: "ExportedProgram", nodes: Collection[str], ncnn_layers: Sequence[Layer], weights: Sequence[Weights]
) -> set[int]:
    graph_module = runnable(exported)
    widen_strided_depthwise(graph_module)
    try:
        places = find_layers(graph_module, ncnn_layers, weights)
    except CheckError as error:
        raise CheckError(
            f"ncnn: {next(iter(nodes))!r} is too large or too small for half precision, and cannot stay in float32 "
            f"because the layers of the file are not those of the network ({error}); use fp32 or int8"
        ) from None
    names = {position: name for name, position in places.items()}
    operations = [
        Operation(layer.inputs, layer.outputs, names.get(position)) for position, layer in enumerate(ncnn_layers)
    ]
    found = covering(graph_module.graph, [layer.name for layer in layers(graph_module)], nodes, operations)
    return {position for position in found if ncnn_layers[position].kind not in _IN_FLOAT32}


def _with_masks(
    ncnn_layers: Sequence[Layer], weights: Sequence[Weights], masked: Collection[int]
) -> tuple[list[Layer], list[Weights]]:
    """A value that several masked layers read is converted for each: NCNN lets a value have one reader."""
    in_float32 = {
        blob
        for position, layer in enumerate(ncnn_layers)
        if position in masked or layer.kind in _IN_FLOAT32
        for blob in layer.outputs
    }
    result: list[Layer] = []
    result_weights: list[Weights] = []
    for position, (layer, tensors) in enumerate(zip(ncnn_layers, weights, strict=True)):
        if position not in masked:
            result.append(layer)
            result_weights.append(tensors)
            continue
        inputs = []
        for blob in layer.inputs:
            if blob in in_float32:
                inputs.append(blob)
                continue
            name = f"{blob}_float32"
            result.append(Layer("Permute", name, (blob,), (name,), _SAME_ORDER))
            result_weights.append(())
            inputs.append(name)
        mask = layer.integer(_MASK, 0) | _NO_HALF
        result.append(replace(layer.with_params({_MASK: str(mask)}), inputs=tuple(inputs)))
        result_weights.append(tensors)
    return result, result_weights
