"""What each precision means for each target: the function that plans it."""

from collections.abc import Callable, Collection
from functools import partial

from torch import fx

from edgewright_export.manifest import Precision, Target

from .layers import layers
from .layerwise import layerwise_plan, weights_only_plan
from .onnx_plan import onnx_plan
from .palettes import palette_plan
from .plan import Plan
from .ranges import Ranges
from .tflite_plan import tflite_plan

Planner = Callable[[fx.GraphModule, Ranges, Collection[str]], Plan]  # graph, ranges, names of layers in float

_ALL: tuple[Target, ...] = ("onnx", "ncnn", "tflite", "coreml")


def _ncnn(graph: fx.GraphModule, ranges: Ranges, float_layers: Collection[str]) -> Plan:
    """Depthwise layers stay in float: in int8 they are slower than that, and their x86 kernels divide inexactly."""
    depthwise = {layer.name for layer in layers(graph) if layer.depthwise}
    return layerwise_plan(graph, ranges, "ncnn", float_layers={*float_layers, *depthwise})


def _coreml(graph: fx.GraphModule, ranges: Ranges, float_layers: Collection[str]) -> Plan:
    return layerwise_plan(graph, ranges, "coreml", float_layers=float_layers)


def _onnx(graph: fx.GraphModule, ranges: Ranges, float_layers: Collection[str]) -> Plan:
    return onnx_plan(graph, ranges, float_layers=float_layers)


def _tflite(graph: fx.GraphModule, ranges: Ranges, float_layers: Collection[str]) -> Plan:
    return tflite_plan(graph, ranges, float_layers=float_layers)


def _of_weights(plan: Callable[[fx.GraphModule], Plan]) -> Planner:
    return lambda graph, _, float_layers: without(plan(graph), float_layers)


def without(plan: Plan, float_layers: Collection[str]) -> Plan:
    """With fewer layers; only for plans whose layers do not depend on each other."""
    kept = {name: layer for name, layer in plan.layers.items() if name not in float_layers}
    return plan.model_copy(update={"layers": kept})


def _palette(target: Target, bits: int) -> Planner:
    return _of_weights(partial(palette_plan, target=target, bits=bits))


_INT8: dict[Target, Planner] = {
    "onnx": _onnx,
    "ncnn": _ncnn,
    "tflite": _tflite,
    "coreml": _coreml,
}
_PALETTE_BITS: dict[Precision, int] = {"palette8": 8, "palette6": 6, "palette4": 4}

PLANNERS: dict[Precision, dict[Target, Planner]] = {
    "int8": _INT8,
    "mixed": _INT8,
    "w8": {
        **{target: _of_weights(partial(weights_only_plan, target=target)) for target in _ALL},
        "ncnn": _palette("ncnn", 8),  # it has no other 8-bit weights for convolutions
    },
    **{precision: {"coreml": _palette("coreml", bits)} for precision, bits in _PALETTE_BITS.items()},
}

ACTIVATIONS: frozenset[Precision] = frozenset({"int8", "mixed"})  # the others compute in float and need no ranges
