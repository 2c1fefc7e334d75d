"""Which operation of a converted model is which layer of the captured graph: that with its weights.

Tools keep the names of most layers and the order of most, and all of neither.  Where several layers have the same
weights, the name decides, and the order where no name fits.  Layers that compute the same of the same value may have
become one.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import fx

from edgewright_train.errors import CheckError

from ..layers import Layer
from ..plan import Plan

_Weight = NDArray[np.floating]
_SMALLEST_HALF = 2.0**-24  # coremltools writes it for weights that half precision would make zero


@dataclass(frozen=True)
class Candidate:
    """An operation with constant weights, in the order of the model; `weight` in the shape that its layer's has."""

    operation: Any
    name: str
    weight: _Weight


def find_layers(
    graph_layers: Sequence[Layer], plan: Plan, candidates: Sequence[Candidate], dtype: type[np.floating]
) -> list[tuple[Layer, Any]]:
    """The plan's layers with their operations, in the order of the model.  `dtype`: of the model's weights.

    Raises `CheckError` naming the first layer that is not in the network, or not in the model as often as there.
    """
    by_name = {layer.name: layer for layer in graph_layers}
    if unknown := [name for name in plan.layers if name not in by_name]:
        raise CheckError(f"{plan.target}: the plan's layer {unknown[0]!r} is not one of the network's")
    found = _grouped((candidates[i].weight, i) for i in range(len(candidates)))
    wanted = _grouped((layer.weight.numpy().astype(dtype), layer) for layer in graph_layers)
    places: dict[int, Layer] = {}
    for key, alike in wanted.items():
        if any(layer.name in plan.layers for layer in alike):
            positions = found.get(key, [])
            layers = _as_often(alike, len(positions), plan)
            places.update(_pairs(layers, {position: candidates[position].name for position in positions}))
    return [(places[i], candidates[i].operation) for i in sorted(places) if places[i].name in plan.layers]


def _as_often(alike: list[Layer], count: int, plan: Plan) -> list[Layer]:
    """`alike`, or those of them that compute different values."""
    if len(alike) == count:
        return alike
    numbers = _value_numbers(alike[0].node.graph)
    distinct = list({numbers[layer.node]: layer for layer in reversed(alike)}.values())[::-1]
    if len(distinct) != count:
        raise CheckError(
            f"{plan.target}: the weights of layer {alike[0].name!r} are {count} times in the converted model, "
            f"not {len(alike)}"
        )
    by_number = {numbers[layer.node]: plan.layers.get(layer.name) for layer in distinct}
    for layer in alike:
        if plan.layers.get(layer.name) != by_number[numbers[layer.node]]:
            raise CheckError(f"{plan.target}: layer {layer.name!r} is one with another, and not planned as that one is")
    return distinct


def _pairs(layers: list[Layer], names: Mapping[int, str]) -> dict[int, Layer]:
    """Position -> layer, of those that have the same weights; `names` are the operations', by position."""
    by_name = {layer.name: layer for layer in layers}
    pairs = {position: by_name[name] for position, name in names.items() if name in by_name}
    paired = {layer.name for layer in pairs.values()}
    others = (layer for layer in layers if layer.name not in paired)
    return {position: pairs[position] if position in pairs else next(others) for position in names}


def _value_numbers(graph: fx.Graph) -> dict[fx.Node, int]:
    """Nodes that do the same to the same values have the same number."""
    seen: dict[object, int] = {}
    numbers: dict[fx.Node, int] = {}
    for node in graph.nodes:
        operands = fx.map_arg((node.args, node.kwargs), lambda argument: f"value {numbers[argument]}")
        key: object = (node.op, str(node.target), repr(operands))
        if node.op == "get_attr":
            value = operator.attrgetter(str(node.target))(graph.owning_module)
            key = (tuple(value.shape), value.detach().numpy().tobytes())
        numbers[node] = seen.setdefault(key, len(seen))
    return numbers


def _grouped(pairs: Iterable[tuple[_Weight, Any]]) -> dict[tuple[object, ...], list[Any]]:
    """By weight, in order."""
    groups: dict[tuple[object, ...], list[Any]] = {}
    for weight, value in pairs:
        plain = np.where(np.abs(weight) <= _SMALLEST_HALF, 0, weight) if weight.dtype == np.float16 else weight + 0
        groups.setdefault((plain.shape, plain.astype(weight.dtype).tobytes()), []).append(value)
    return groups
