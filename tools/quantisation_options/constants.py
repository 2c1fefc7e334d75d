"""Captured graphs with other weights and biases."""

import copy
import warnings
from collections.abc import Mapping

from torch import Tensor, fx

from edgewright_calibration.layers import layers

_POSITIONS = {"weight": 1, "bias": 2}  # among a layer's arguments


def with_constants(
    graph_module: fx.GraphModule, *, weights: Mapping[str, Tensor] | None = None, biases: Mapping[str, Tensor]
) -> fx.GraphModule:
    """A copy whose layers, by name, have these; each is a tensor of the copy's own, even where two layers share one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own copying uses what torch has deprecated
        changed = copy.deepcopy(graph_module)
    for layer in list(layers(changed)):
        for kind, given in (("weight", weights or {}), ("bias", biases)):
            if layer.name in given:
                _replace(changed, layer.node, kind, given[layer.name].clone())
    changed.recompile()
    return changed


def _replace(graph_module: fx.GraphModule, node: fx.Node, kind: str, value: Tensor) -> None:
    name, position = f"own_{node.name}_{kind}", _POSITIONS[kind]
    graph_module.register_buffer(name, value)
    with graph_module.graph.inserting_before(node):
        constant = graph_module.graph.get_attr(name)
    before = node.args[position] if len(node.args) > position else None
    node.args = (*node.args[:position], constant, *node.args[position + 1 :])
    if isinstance(before, fx.Node) and not before.users:
        graph_module.graph.erase_node(before)
