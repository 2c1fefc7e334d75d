"""Cross-layer equalisation: channels between two layers rescaled so that they use a common grid alike.

Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv:1906.04721,
section 4.1.  What lies between the layers has to fulfil f(s x) = s f(x) for s > 0; then dividing what the first gives
by s and multiplying what the second reads by s changes nothing.  Theirs balances two weight tensors of one step each.
Here every output channel of the weights has a step of its own, so that only what is read is worth balancing: the
largest magnitude of each channel of the values between, and of the weights that read it.

Letters: C channels between the layers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from edgewright_calibration.layers import Layer, layers

from .constants import with_constants

_ATEN = torch.ops.aten
_HOMOGENEOUS = frozenset({_ATEN.relu.default, _ATEN.leaky_relu.default, _ATEN.max_pool2d.default})
_MOST = 2.0**8  # a channel that hardly ever is anything is not worth more
_SWEEPS = 20


@dataclass(frozen=True, eq=False)
class Pair:
    """`second` alone reads what `first` gives; `between`: all nodes from `first` to what `second` reads."""

    first: Layer
    second: Layer
    between: tuple[fx.Node, ...]


def pairs(graph_module: fx.GraphModule) -> list[Pair]:
    by_node = {layer.node: layer for layer in layers(graph_module) if layer.kind != "linear" and _owns_weight(layer)}
    found = []
    for first in by_node.values():
        node, between = first.node, [first.node]
        while len(node.users) == 1:
            (node,) = node.users
            if node in by_node:
                found.append(Pair(first, by_node[node], tuple(between)))
            if node.target not in _HOMOGENEOUS:
                break
            between.append(node)
    return found


def _owns_weight(layer: Layer) -> bool:
    constants = [argument for argument in layer.node.args[1:3] if isinstance(argument, fx.Node)]
    return all(len(constant.users) == 1 for constant in constants)


@torch.inference_mode()
def equalised_by_values(
    graph_module: fx.GraphModule, rounded: Collection[str], images: Sequence[Tensor]
) -> fx.GraphModule:
    """`images`: (1, 3, H, W), normalised, on which the values of the nodes that are `rounded` are looked at."""
    found, rescaled = pairs(graph_module), _Rescaled(graph_module)
    looked_at = {pair: [node for node in pair.between if node.name in rounded] for pair in found}
    values = _largest_values(graph_module, {node for nodes in looked_at.values() for node in nodes}, images)
    for pair, nodes in looked_at.items():
        if nodes:
            rescaled.divide(pair, _balance(pair, torch.stack([values[node] for node in nodes]).amax(0)))
    return rescaled.graph_module()


@torch.inference_mode()
def equalised_by_weights(graph_module: fx.GraphModule) -> fx.GraphModule:
    """As published: the weights of both layers reach equally far in every channel."""
    found, rescaled = pairs(graph_module), _Rescaled(graph_module)
    for _ in range(_SWEEPS):
        for pair in found:
            given = rescaled.weights[pair.first.name].abs().flatten(1).amax(1)
            read = _by_input(rescaled.weights[pair.second.name], pair.second.groups).abs().amax(1)
            rescaled.divide(pair, _factors(given, read))
    return rescaled.graph_module()


def _balance(pair: Pair, values: Tensor) -> Tensor:
    """(C,) by which to divide.  A depthwise layer's weights have a step per channel, and need no balance."""
    weight = pair.second.weight
    if pair.second.depthwise:
        return _bounded(torch.where(values > 0, values, values.mean()))
    steps = weight.abs().flatten(1).amax(1).clamp_min(torch.finfo().tiny)
    read = _by_input(weight / steps.reshape(-1, 1, 1, 1), pair.second.groups).abs().amax(1)
    return _factors(values, read)


def _factors(given: Tensor, read: Tensor) -> Tensor:
    """Square roots of the ratios; channels that are always zero, or read by nothing, stay as they are."""
    alive = (given > 0) & (read > 0)
    return _bounded(torch.where(alive, given / read, 1.0).sqrt())


def _bounded(factors: Tensor) -> Tensor:
    return (factors / factors.log().mean().exp()).clamp(1 / _MOST, _MOST)


def _by_input(weight: Tensor, groups: int) -> Tensor:
    """(C, ...) the weights that each channel is multiplied with."""
    return _in_groups(weight, groups).transpose(1, 2).flatten(0, 1).flatten(1)


def _in_groups(weight: Tensor, groups: int) -> Tensor:
    """(out, in / groups, kh, kw) -> (groups, out / groups, in / groups, kh, kw)."""
    return weight.reshape(groups, -1, *weight.shape[1:])


class _Rescaled:
    """A graph's constants on the way to others."""

    def __init__(self, graph_module: fx.GraphModule) -> None:
        self._original = graph_module
        self.weights = {layer.name: layer.weight for layer in layers(graph_module)}
        self._biases = {layer.name: layer.bias for layer in layers(graph_module)}

    def divide(self, pair: Pair, factors: Tensor) -> None:
        """What is between the two layers, by (C,) numbers above 0."""
        first, second, groups = pair.first.name, pair.second.name, pair.second.groups
        self.weights[first] = self.weights[first] / factors.reshape(-1, 1, 1, 1)
        self._biases[first] = self._biases[first] / factors
        whole = _in_groups(self.weights[second], groups) * factors.reshape(groups, 1, -1, 1, 1)
        self.weights[second] = whole.reshape(self.weights[second].shape)

    def graph_module(self) -> fx.GraphModule:
        return with_constants(self._original, weights=self.weights, biases=self._biases)


def _largest_values(
    graph_module: fx.GraphModule, nodes: set[fx.Node], images: Sequence[Tensor]
) -> dict[fx.Node, Tensor]:
    """(C,) per node, the mean over the images of each one's largest magnitude."""
    observer = _Observer(graph_module, nodes)
    for image in images:
        observer.run(image)
    return {node: torch.stack(found).mean(0) for node, found in observer.found.items()}


class _Observer(fx.Interpreter):
    def __init__(self, graph_module: fx.GraphModule, nodes: set[fx.Node]) -> None:
        super().__init__(graph_module)
        self.found: dict[fx.Node, list[Tensor]] = {node: [] for node in nodes}

    def run_node(self, n: fx.Node) -> object:
        value = super().run_node(n)
        if n in self.found:
            self.found[n].append(value.abs().amax((0, 2, 3)))
        return value
