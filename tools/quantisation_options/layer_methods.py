"""Each layer's range by the method that gives the least error of that layer's own output, all before it in float."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from edgewright_calibration.grid import Grid
from edgewright_calibration.layers import layers
from edgewright_calibration.plan import Plan
from edgewright_calibration.ranges import Ranges
from edgewright_calibration.reference import ROUNDING

from .layer_sums import layer_sums
from .stepping import Values, value_of

NAME = "per_layer"

Grids = tuple[Grid | None, ...]  # of one tensor, by each method


@torch.inference_mode()
def ranges_by_layer(
    graph_module: fx.GraphModule, plans: Mapping[str, Plan], ranges: Mapping[str, Ranges], images: Sequence[Tensor]
) -> Ranges:
    """`plans`, `ranges`: by method, the first of which is used where nothing reads a tensor.

    Tensors with the same grid by every method have to share it, or might as well, and get the same method: that with
    the least sum over the operations that read them.  Of equal sums the earlier method's is taken.
    """
    methods = list(plans)
    grids = _grids(graph_module, list(plans.values()))
    noise = {key: [0.0] * len(methods) for key in set(grids.values())}
    readings = [_Reading(graph_module, plan) for plan in plans.values()]
    for image in images:
        recorder = fx.Interpreter(graph_module, garbage_collect_values=False)
        recorder.run(image)
        known: Values = dict(recorder.env)
        for node, key in grids.items():
            for reader in node.users:
                if grids.get(reader) == key or not isinstance(known.get(reader), Tensor):
                    continue
                for number, reading in enumerate(readings):
                    noise[key][number] += reading.noise(reader, node, key[number], known, image)
    best = {node.name: methods[noise[key].index(min(noise[key]))] for node, key in grids.items()}
    first = next(iter(ranges.values()))
    return Ranges(
        method=NAME,
        nodes={name: ranges[best[name]].nodes[name] if name in best else span for name, span in first.nodes.items()},
    )


def _grids(graph_module: fx.GraphModule, plans: Sequence[Plan]) -> dict[fx.Node, Grids]:
    """Of every node that is rounded by some plan."""
    found: dict[fx.Node, Grids] = {}
    reading = {layer.input: layer.name for layer in layers(graph_module)}
    for node in graph_module.graph.nodes:
        key = tuple(plan.outputs.get(node.name) or _input(plan, reading.get(node)) for plan in plans)
        if any(key):
            found[node] = key
    return found


def _input(plan: Plan, layer: str | None) -> Grid | None:
    found = plan.layers.get(layer) if layer else None
    return found.input if found else None


class _Reading:
    """By one plan."""

    def __init__(self, graph_module: fx.GraphModule, plan: Plan) -> None:
        self._rounding = ROUNDING[plan.target]
        self._as_float = fx.Interpreter(graph_module)
        every = {layer.node: layer for layer in layers(graph_module) if layer.name in plan.layers}
        self._sums = {node: layer_sums(layer, plan) for node, layer in every.items()}

    def noise(self, reader: fx.Node, node: fx.Node, grid: Grid | None, known: Values, image: Tensor) -> float:
        """Power of the error of what `reader` gives, as a fraction of its own, when `node` alone is rounded."""
        if reader in self._sums:
            found: Any = self._sums[reader](known[node])
        elif grid is None:
            return 0.0
        else:
            rounded = grid.dequantise(grid.quantise(known[node], self._rounding)).float()
            found = value_of(self._as_float, reader, {**known, node: rounded}, image)
        expected = known[reader].double()
        power = float((expected - expected.mean()).square().sum())
        return float((found.double() - expected).square().sum()) / power if power > 0 else 0.0
