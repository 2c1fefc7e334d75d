"""Proof of an NCNN artefact layer by layer: from the same input, each computes what the reference does.

Whole networks cannot be compared as closely.  Where two CPUs differ in the last bit of a float layer a code comes out
one step off now and then, and a few layers later the two runs are as far apart as two roundings of the same network: a
scale that is slightly wrong would not stand out.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_export.ncnn_param import Layer as NcnnLayer
from edgewright_export.ncnn_param import parse_param
from edgewright_train.errors import CheckError

from ..layers import layers
from ..plan import Plan
from ..reference import Reference

# Of the largest value that a layer gives.  Depthwise: x86 kernels take reciprocals with an error of 1.5 * 2^-12.
_TOLERANCE, _DEPTHWISE_TOLERANCE = 1e-4, 4e-4
_INT8_TERM, _ACTIVATION, _ACTIVATION_VALUES = 8, 9, -23310
_LARGEST_CODE = 127

_PADS = frozenset({torch.ops.aten.constant_pad_nd.default, torch.ops.aten.pad.default})

# By the value of key 9: what NCNN does to the result of a layer.
_ACTIVATIONS: Mapping[int, Callable[[Tensor, Sequence[float]], Tensor]] = {
    0: lambda x, _: x,
    1: lambda x, _: x.relu(),
    2: lambda x, values: torch.where(x > 0, x, x * values[0]),
    3: lambda x, values: x.clamp(values[0], values[1]),
    4: lambda x, _: x.sigmoid(),
    5: lambda x, _: x * torch.nn.functional.softplus(x).tanh(),
    6: lambda x, values: x * (x * values[0] + values[1]).clamp(0, 1),
}


def check_layers(
    graph_module: fx.GraphModule, plan: Plan, param: Path, places: Mapping[str, int], image: Tensor
) -> None:
    """`image`: (1, 3, H, W), normalised.  Raises `CheckError` naming the first layer that computes something else."""
    with torch.no_grad():
        _CheckedReference(graph_module, plan, _Artefact(param), places).run(image)


class _Artefact:
    """An NCNN model of which single layers can be run."""

    def __init__(self, param: Path) -> None:
        import ncnn  # noqa: PLC0415

        self._ncnn, self._net = ncnn, ncnn.Net()
        self._net.opt.num_threads = 1
        self._net.opt.use_fp16_packed = self._net.opt.use_fp16_storage = self._net.opt.use_fp16_arithmetic = False
        if self._net.load_param(str(param)) != 0 or self._net.load_model(str(param.with_suffix(".bin"))) != 0:
            raise CheckError(f"{param}: ncnn cannot load it")
        self.layers: list[NcnnLayer] = parse_param(param.read_text())

    def run(self, layer: NcnnLayer, x: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = self._net.create_extractor()
        values = np.ascontiguousarray(x)  # a `Mat` made of an array does not keep it alive
        extractor.input(layer.inputs[0], self._ncnn.Mat(values).clone())
        status, blob = extractor.extract(layer.outputs[0])
        if status != 0:
            raise CheckError(f"ncnn could not compute layer {layer.name!r} (status {status})")
        return np.array(blob, dtype=np.float32)


class _CheckedReference(Reference):
    """Compares as it computes, so that nothing is kept."""

    def __init__(
        self, graph_module: fx.GraphModule, plan: Plan, artefact: _Artefact, places: Mapping[str, int]
    ) -> None:
        super().__init__(graph_module, plan)
        self._artefact, self._places = artefact, places
        self._depthwise = {layer.name: layer.depthwise for layer in layers(graph_module)}
        self._reader_steps = _reader_steps(graph_module, plan)
        self._unpadded: dict[Any, Tensor] = {}  # by the node that pads

    def run_node(self, n: fx.Node) -> Any:
        if n.target in _PADS:
            self._unpadded[n] = self.fetch_args_kwargs_from_env(n)[0][0]
        x = self.fetch_args_kwargs_from_env(n)[0][0] if n.name in self._places else None
        value = super().run_node(n)
        if x is not None:
            self._compare(n, x, value)
        return value

    def _compare(self, node: fx.Node, x: Tensor, value: Tensor) -> None:
        layer = self._artefact.layers[self._places[node.name]]
        expected = _activated(layer, value)[0].numpy().ravel()
        computed = self._artefact.run(layer, x[0].numpy()).ravel()
        if len(computed) != len(expected) and node.args[0] in self._unpadded:  # pnnx made it pad by itself
            computed = self._artefact.run(layer, self._unpadded[node.args[0]][0].numpy()).ravel()
        if len(computed) != len(expected):
            raise CheckError(f"ncnn: layer {node.name!r} gives {len(computed)} values, not {len(expected)}")
        tolerance = _DEPTHWISE_TOLERANCE if self._depthwise[node.name] else _TOLERANCE
        if layer.integer(_INT8_TERM, 0) > 100:
            limit = _LARGEST_CODE * tolerance + 0.5
            expected = (expected / self._reader_steps[node.name]).clip(-_LARGEST_CODE, _LARGEST_CODE)
        else:
            limit = tolerance * float(np.abs(expected).max(initial=0))
        if not (found := float(np.abs(computed - expected).max(initial=0))) <= limit:
            raise CheckError(f"ncnn: layer {node.name!r} is {found:.3g} off the reference, more than {limit:.3g}")


def _reader_steps(graph_module: fx.GraphModule, plan: Plan) -> dict[str, float]:
    """Layer -> the step of an int8 layer that reads it, through nothing but operations of one value."""
    found = {layer.name: layer for layer in layers(graph_module)}
    steps: dict[str, float] = {}
    for name, layer_plan in plan.layers.items():
        node: Any = found[name].input
        while isinstance(node, fx.Node) and node.name not in found:
            node = node.args[0] if node.args else None
        if isinstance(node, fx.Node) and layer_plan.input is not None:
            steps[node.name] = layer_plan.input.scale
    return steps


def _activated(layer: NcnnLayer, value: Tensor) -> Tensor:
    values = [float(item) for item in layer.params.get(_ACTIVATION_VALUES, "0").split(",")[1:]]
    return _ACTIVATIONS[layer.integer(_ACTIVATION, 0)](value, values)
