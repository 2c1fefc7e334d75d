"""Which layer of an NCNN model is which layer of the captured graph; pnnx gives them names of its own.

Two layers are the same when they have the same weights and bias and the layers that they read from, directly or through
operations without weights, are the same.  Weights alone would not do: a head may be shared between scales.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import fx

from edgewright_export.ncnn_bin import Weights
from edgewright_export.ncnn_param import Layer as NcnnLayer
from edgewright_train.errors import CheckError

from ..layers import layers

WEIGHTED = ("Convolution", "ConvolutionDepthWise", "InnerProduct")

_Identity = bytes
_Sources = frozenset[_Identity]  # the layers that a value comes from, without a layer between


def find_layers(
    graph_module: fx.GraphModule, ncnn_layers: Sequence[NcnnLayer], weights: Sequence[Weights]
) -> dict[str, int]:
    """Name of a graph's layer -> position of its NCNN layer.  `weights` are float32, one entry per layer.

    Raises `CheckError` naming the first layer that is not there exactly once.
    """
    found: dict[_Identity, list[int]] = {}
    for position, identity in _identities_in_ncnn(ncnn_layers, weights).items():
        found.setdefault(identity, []).append(position)
    wanted: dict[_Identity, list[str]] = {}
    for name, identity in _identities_in_graph(graph_module).items():
        wanted.setdefault(identity, []).append(name)
    places: dict[str, int] = {}
    for identity, names in wanted.items():
        positions = found.get(identity, [])
        if len(positions) != len(names):
            raise CheckError(f"ncnn: layer {names[0]!r} was found {len(positions)} times, not {len(names)}")
        places.update(zip(names, positions, strict=True))  # both in the order of computation
    return places


def _identities_in_graph(graph_module: fx.GraphModule) -> dict[str, _Identity]:
    weighted = {layer.name: layer for layer in layers(graph_module)}
    identities: dict[str, _Identity] = {}
    sources: dict[fx.Node, _Sources] = {}
    for node in graph_module.graph.nodes:
        above = _union(sources[source] for source in node.all_input_nodes)
        if layer := weighted.get(node.name):
            identities[node.name] = _identity(layer.weight.float().numpy(), layer.bias.float().numpy(), above)
            above = frozenset([identities[node.name]])
        sources[node] = above
    return identities


def _identities_in_ncnn(ncnn_layers: Sequence[NcnnLayer], weights: Sequence[Weights]) -> dict[int, _Identity]:
    identities: dict[int, _Identity] = {}
    sources: dict[str, _Sources] = {}
    for position, (layer, tensors) in enumerate(zip(ncnn_layers, weights, strict=True)):
        above = _union(sources.get(blob, frozenset()) for blob in layer.inputs)
        if layer.kind in WEIGHTED and tensors:
            stored = {tensor.role: tensor.values for tensor in tensors}
            bias = stored.get("bias", np.zeros(layer.integer(0, 0), np.float32))
            identities[position] = _identity(stored["weight"], bias, above)
            above = frozenset([identities[position]])
        sources.update(dict.fromkeys(layer.outputs, above))
    return identities


def _identity(weight: NDArray[np.float32], bias: NDArray[np.float32], above: _Sources) -> _Identity:
    digest = hashlib.sha256(np.ascontiguousarray(weight).tobytes())
    digest.update((bias + np.float32(0)).tobytes())  # -0 becomes 0
    for identity in sorted(above):
        digest.update(identity)
    return digest.digest()


def _union(parts: Iterable[_Sources]) -> _Sources:
    return frozenset().union(*parts)


def consumers_of(ncnn_layers: Sequence[NcnnLayer]) -> Mapping[str, list[int]]:
    """Blob -> positions of the layers that read it; absent: none does."""
    readers: dict[str, list[int]] = {}
    for position, layer in enumerate(ncnn_layers):
        for blob in layer.inputs:
            readers.setdefault(blob, []).append(position)
    return readers
