"""Biases moved by the mean error of each output channel, layer by layer: each sees what the ones before it became.

Source: Nagel et al. 2019, arXiv:1906.04721, section 4.2, measured on images as in their appendix D.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx

from edgewright_calibration.layers import Layer, layers
from edgewright_calibration.plan import Plan
from edgewright_calibration.reference import Reference

from .constants import with_constants
from .layer_sums import layer_sums
from .stepping import Values, value_of


@torch.inference_mode()
def bias_corrected(
    graph_module: fx.GraphModule,
    plan: Plan,
    images: Sequence[Tensor],
    progress: Callable[[int, int], None] | None = None,
) -> fx.GraphModule:
    """A copy for the same plan.  `images`: (1, 3, H, W), normalised; what is alive of all of them is held at once."""
    corrected = with_constants(graph_module, biases={layer.name: layer.bias for layer in layers(graph_module)})
    every = {layer.node: layer for layer in layers(corrected)}
    as_float, quantised = fx.Interpreter(corrected), Reference(corrected, plan)
    expected: list[Values] = [{} for _ in images]
    found: list[Values] = [{} for _ in images]
    done = 0
    for node in corrected.graph.nodes:
        for values, image in zip(expected, images, strict=True):
            values[node] = value_of(as_float, node, values, image)
        computed = quantised
        if node in every:
            layer, sums = every[node], layer_sums(every[node], plan)
            errors = [
                _error(layer, wanted[node], sums(values[layer.input]))
                for wanted, values in zip(expected, found, strict=True)
            ]
            layer.bias.add_(torch.stack(errors).mean(0))  # the graph's own
            computed, done = Reference(corrected, _alone(plan, layer.name)), done + 1
            if progress is not None:
                progress(done, len(every))
        for values, image in zip(found, images, strict=True):
            values[node] = value_of(computed, node, values, image)
        for values in (*expected, *found):
            for last in as_float.user_to_last_uses.get(node, ()):
                del values[last]
    return corrected


def _alone(plan: Plan, layer: str) -> Plan:
    """For computing this layer and no other."""
    return plan.model_copy(update={"layers": {layer: plan.layers[layer]} if layer in plan.layers else {}})


def _error(layer: Layer, wanted: Tensor, found: Tensor) -> Tensor:
    """(out,) mean of what is missing."""
    missing = wanted.double() - found.double()
    return missing.movedim(-1 if layer.kind == "linear" else 1, 0).flatten(1).mean(1).float()
