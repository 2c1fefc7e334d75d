"""Plans for targets that compute single layers in int8 and everything between them in float: NCNN, CoreML."""

from collections.abc import Callable, Collection

from torch import fx

from edgewright_export.manifest import Target
from edgewright_train.errors import CheckError

from .grid import Grid, Step, as_float32, as_half, half_grid, symmetric_grid
from .layers import Layer, layers
from .plan import LayerPlan, Plan
from .ranges import Ranges
from .weights import channel_scales

_GRIDS: dict[Target, Callable[[float, float], Grid]] = {
    "ncnn": symmetric_grid,  # it has no zero points
    "coreml": half_grid,
}
# How a target can store the steps of weights: Core ML computes with them in half precision.
_STEPS: dict[Target, Step] = {"ncnn": as_float32, "tflite": as_float32, "onnx": as_float32, "coreml": as_half}
_HALF_FLOATS: frozenset[Target] = frozenset({"ncnn", "coreml"})


def layerwise_plan(
    graph_module: fx.GraphModule, ranges: Ranges, target: Target, *, float_layers: Collection[str] = ()
) -> Plan:
    """Every layer in int8 that the target can compute so, but for `float_layers`."""
    return Plan(
        target=target,
        layers={
            layer.name: _layer_plan(layer, ranges, target)
            for layer in layers(graph_module)
            if layer.name not in float_layers and _possible(layer, ranges, target)
        },
        half_floats=target in _HALF_FLOATS,
    )


def weights_only_plan(graph_module: fx.GraphModule, target: Target) -> Plan:
    """Every layer's weights in int8, a step per channel; all arithmetic in float."""
    return Plan(
        target=target,
        layers={
            layer.name: LayerPlan(input=None, weight_scales=channel_scales(layer.weight, _STEPS[target]))
            for layer in layers(graph_module)
        },
        half_floats=target in _HALF_FLOATS,
    )


def _possible(layer: Layer, ranges: Ranges, target: Target) -> bool:
    """What is always zero has no step."""
    found = ranges.nodes.get(layer.input.name)
    if found is None:
        raise CheckError(f"the calibration has no range of {layer.input.name!r}, which {layer.name!r} reads")
    return not (target == "ncnn" and not ncnn_computes(layer)) and found.low < found.high


def ncnn_computes(layer: Layer) -> bool:
    """Groups of several inputs come out wrong on some CPUs, and those of several outputs have one scale for all."""
    return layer.groups == 1 or (layer.groups == len(layer.weight) and layer.depthwise)


def _layer_plan(layer: Layer, ranges: Ranges, target: Target) -> LayerPlan:
    span = ranges.nodes[layer.input.name]
    return LayerPlan(
        input=_GRIDS[target](span.low, span.high), weight_scales=channel_scales(layer.weight, _STEPS[target])
    )
