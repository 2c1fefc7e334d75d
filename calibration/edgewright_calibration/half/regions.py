"""Which operations of an artefact compute a node of the captured graph, where the two have different operations.

Layers with weights can be told apart, and they divide a graph into regions: an operation without weights belongs to the
layers whose results reach it without passing another.  Converters fuse, split and rename inside a region; what they
make of a node is in the node's region still.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import fx

Region = frozenset[str]  # names of layers


@dataclass(frozen=True)
class Operation:
    """Of an artefact, in the order of computation; values have names.

    Attributes:
        layer: of the captured graph, where it is one.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layer: str | None


def covering(
    graph: fx.Graph, layer_names: Collection[str], nodes: Collection[str], operations: Sequence[Operation]
) -> set[int]:
    """Positions of the operations that compute `nodes`, and of more that cannot be told from them.

    The latter are the others of the same region, and the layers it belongs to, with which a node may be fused.
    """
    regions = _regions_of_nodes(graph, layer_names)
    wanted = {regions[name] for name in nodes}
    layers = frozenset[str]().union(*wanted)
    found = set()
    for position, (operation, region) in enumerate(zip(operations, _regions(operations), strict=True)):
        if operation.layer in layers if operation.layer is not None else region in wanted:
            found.add(position)
    return found


def _regions_of_nodes(graph: fx.Graph, layer_names: Collection[str]) -> dict[str, Region]:
    regions: dict[str, Region] = {}
    for node in graph.nodes:
        sources = [regions[source.name] for source in node.all_input_nodes]
        regions[node.name] = frozenset([node.name]) if node.name in layer_names else frozenset[str]().union(*sources)
    return regions


def _regions(operations: Sequence[Operation]) -> list[Region]:
    """A value that no operation computes, such as the input, belongs to no layer."""
    values: dict[str, Region] = {}
    result = []
    for operation in operations:
        sources = [values.get(name, frozenset()) for name in operation.inputs]
        region = frozenset[str]().union(*sources) if operation.layer is None else frozenset([operation.layer])
        values.update(dict.fromkeys(operation.outputs, region))
        result.append(region)
    return result
