"""Which layers int8 hurts: each quantised alone, everything else in float.

Errors of single layers add up closely (they are small and independent), so they also say what all of them cost.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from .layers import Layer, layers
from .plan import Plan
from .reference import Reference

PlanMaker = Callable[[Collection[str]], Plan]  # names of the layers that stay float -> plan


@dataclass(frozen=True)
class LayerError:
    """`noise`: power of the error of the outputs, as a fraction of theirs; 0 where the layer is always float."""

    layer: Layer
    noise: float

    @property
    def sqnr_db(self) -> float:
        """Signal to quantisation noise ratio of the outputs, decibels."""
        return decibels(self.noise)


def decibels(noise: float) -> float:
    """Of signal to noise; infinite without any noise."""
    return -10 * math.log10(noise) if noise > 0 else math.inf


OnOutputs = Callable[[int, int, tuple[Tensor, ...]], None]  # index of the layer and of the image, what came out


def layer_errors(
    graph_module: fx.GraphModule,
    make_plan: PlanMaker,
    images: Sequence[Tensor],
    *,
    on_outputs: OnOutputs | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[LayerError]:
    """In the order of the graph.  `images`: (1, 3, H, W) each, normalised."""
    every = list(layers(graph_module))
    replays = [Replay(graph_module, _alone(layer, every, make_plan)) for layer in every]
    noise = [0.0] * len(every)
    for number, image in enumerate(images):
        trace = _trace(graph_module, image)
        for index, replay in enumerate(replays):
            outputs = replay.outputs(trace)
            noise[index] += relative_noise(trace.outputs, outputs) / len(images)
            if on_outputs is not None:
                on_outputs(index, number, outputs)
        if progress is not None:
            progress(number + 1, len(images))
    return [LayerError(layer, value) for layer, value in zip(every, noise, strict=True)]


def _alone(layer: Layer, every: Sequence[Layer], make_plan: PlanMaker) -> Plan:
    plan = make_plan([other.name for other in every if other is not layer])
    return plan.model_copy(update={"half_floats": False})  # which is not what is measured here


def relative_noise(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """Mean over the outputs of |found - expected|^2 / |expected|^2, both about the mean of `expected`.

    An offset that all values share, such as that of logits far below zero, would hide the error otherwise.
    """
    shares = []
    for reference, other in zip(expected, found, strict=True):
        signal = (reference.double() - reference.double().mean()).square().sum()
        error = (other.double() - reference.double()).square().sum()
        shares.append(float(error / signal) if signal > 0 else float(error > 0))
    return sum(shares) / len(shares)


@dataclass(frozen=True)
class Trace:
    """Every value of the float graph on one image."""

    image: Tensor
    values: dict[fx.Node, Tensor]
    outputs: tuple[Tensor, ...]


class Replay(Reference):
    """A plan on images whose float values are known: only what comes after its first int8 operation is computed."""

    def __init__(self, graph_module: fx.GraphModule, plan: Plan) -> None:
        super().__init__(graph_module, plan)
        changed = plan.layers.keys() | plan.outputs.keys()
        order = list(graph_module.graph.nodes)
        first = next((index for index, node in enumerate(order) if node.name in changed), len(order) - 1)
        self._same = order[:first]

    @torch.inference_mode()
    def outputs(self, trace: Trace) -> tuple[Tensor, ...]:
        known = {node: trace.values[node] for node in self._same}
        return tuple(self.run(trace.image, initial_env=known))


class _Recorder(fx.Interpreter):
    def __init__(self, graph_module: fx.GraphModule) -> None:
        super().__init__(graph_module, garbage_collect_values=False)


@torch.inference_mode()
def _trace(graph_module: fx.GraphModule, image: Tensor) -> Trace:
    recorder = _Recorder(graph_module)
    outputs = tuple(recorder.run(image))
    return Trace(image, dict(recorder.env), outputs)
