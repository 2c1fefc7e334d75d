"""The plan of a TFLite file: chains of what XNNPACK has fast kernels for.

The operands of a concatenation share its grid.  Measured with YOLO-FastestV2, whose blocks pass half of their channels
on, calibrated on 64 images: AP50 .3193 so; .3198 with a grid for each and a rounding in front; .3164 with the one or
the other by how far the ranges differ.  The smallest cosines of an output: .9980, .9974, .9974.
"""

from collections.abc import Collection

import torch
from torch import fx

from .chained_plan import chained_plan, range_of
from .chains import FIXED, Rules, activation_of
from .grid import Grid, asymmetric_grid
from .layers import Layer, layers
from .plan import Plan
from .ranges import Ranges

_ATEN = torch.ops.aten
_RULES = Rules(
    arithmetic=frozenset({_ATEN.add.Tensor, _ATEN.leaky_relu.default, _ATEN.mul.Tensor, _ATEN.sigmoid.default}),
    activations_are_grids=False,
)
_LARGEST_MULTIPLIER = 256.0


def tflite_plan(graph_module: fx.GraphModule, ranges: Ranges, *, float_layers: Collection[str] = ()) -> Plan:
    """`chained_plan` without the layers that XNNPACK refuses."""
    plan = chained_plan(graph_module, ranges, "tflite", _RULES, float_layers=float_layers)
    if coarse := [layer.name for layer in layers(graph_module) if _too_coarse(layer, plan)]:
        return tflite_plan(graph_module, ranges, float_layers=[*float_layers, *coarse])
    return plan


def with_ends(plan: Plan, graph_module: fx.GraphModule, ranges: Ranges) -> Plan:
    """`plan` with int8 codes for input and outputs; `ranges` should cut nothing off, as results are not to be clipped.

    The input is on the grid of the first layer that reads it, so that this costs nothing.
    """
    ends: dict[str, Grid] = {}
    for node in graph_module.graph.nodes:
        if node.op == "placeholder":
            reading = (plan.layers.get(reader.name) for reader in node.users)
            own = next((layer.input for layer in reading if layer is not None and layer.input is not None), None)
            ends[node.name] = own or _whole(node, ranges)
        if node.op == "output":
            for result in node.all_input_nodes:
                own = plan.outputs.get(result.name) or FIXED.get(result.target)
                ends[result.name] = own or _whole(result, ranges)
    return plan.model_copy(update={"ends": ends})


def _whole(node: fx.Node, ranges: Ranges) -> Grid:
    span = range_of(node, ranges)
    return asymmetric_grid(span.low, span.high)


def _too_coarse(layer: Layer, plan: Plan) -> bool:
    """Whether one product of codes is so many steps of the result that XNNPACK refuses the layer."""
    own = plan.layers.get(layer.name)
    if own is None or own.input is None:
        return False
    result = plan.outputs[(activation_of(layer.node) or layer.node).name]
    return max(own.weight_scales) * own.input.scale / result.scale >= _LARGEST_MULTIPLIER
