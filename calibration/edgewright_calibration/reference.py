"""What a plan computes, in PyTorch: the captured graph with int8 layers computed on integers, exactly.

An artefact made from the plan has to give what this gives; it shares the plan with it and none of its code.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx

from edgewright_export.manifest import Target

from .code_kernels import Kernel
from .grid import Grid, Rounding, round_to_integer
from .layers import Layer, layers
from .onnx_kernels import onnx_kernels
from .plan import Plan
from .tflite_kernels import tflite_kernels
from .weights import stored_weight, weight_codes

# How each target's kernels round a real number to a code.
ROUNDING: Mapping[Target, Rounding] = {
    "ncnn": "half_away",
    "tflite": "half_even",
    "onnx": "half_even",
    "coreml": "half_even",
}

# Targets that keep whole chains of operations in codes.
_CHAIN_KERNELS: Mapping[Target, Callable[[fx.GraphModule, Plan], dict[str, Kernel]]] = {
    "onnx": onnx_kernels,
    "tflite": tflite_kernels,
}

# Targets that keep every value and constant in half precision, between their layers too.
_HALF_VALUES: frozenset[Target] = frozenset({"coreml"})

# Operations whose slopes Core ML has in float32 since iOS 17, which int8 needs.
_FLOAT32_NUMBERS: frozenset[object] = frozenset(
    {torch.ops.aten.leaky_relu.default, torch.ops.aten.elu.default, torch.ops.aten.prelu.default}
)


class Reference(fx.Interpreter):
    """Call `run(image)`, image (N, 3, H, W) float32, normalised: a tuple of the outputs, float32."""

    def __init__(self, graph_module: fx.GraphModule, plan: Plan) -> None:
        super().__init__(graph_module)
        self._ends, self._rounding = plan.ends, ROUNDING[plan.target]
        self._half_values = plan.target in _HALF_VALUES
        self._float32_numbers = _FLOAT32_NUMBERS if any(layer.input for layer in plan.layers.values()) else frozenset()
        self._kernels: dict[str, Kernel] = {}
        if plan.target in _CHAIN_KERNELS:
            self._kernels.update(_CHAIN_KERNELS[plan.target](graph_module, plan))  # none without `plan.outputs`
        for layer in layers(graph_module):
            if layer.name not in self._kernels:
                self._kernels[layer.name] = _compute(layer, plan)

    def run_node(self, n: fx.Node) -> Any:
        if n.name in self._kernels:
            arguments, _ = self.fetch_args_kwargs_from_env(n)
            value = self._kernels[n.name](*arguments)
        else:
            value = super().run_node(n)
        if n.name in self._ends:
            end = self._ends[n.name]
            value = end.dequantise(end.quantise(value, self._rounding)).float()
        return _half(value) if self._half_values and n.op != "get_attr" else value

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._half_values and target not in self._float32_numbers:
            args = tuple(_half(argument) for argument in args)
        return super().call_function(target, args, kwargs)


def _half(value: Any) -> Any:
    """Rounded to half precision if it is a tensor or number of floats."""
    if isinstance(value, float):
        return float(torch.tensor(value).half())
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.half().float()
    return value


class _FloatLayer:
    """Computes in float32, on weights as they are stored."""

    def __init__(self, layer: Layer, weight: Tensor) -> None:
        self._layer, self._weight, self._bias = layer, weight.float(), layer.bias.float()

    def __call__(self, x: Tensor, *_: object) -> Tensor:
        return self._layer.compute(x, self._weight, self._bias)


class _NcnnLayer:
    """Sums of products of codes, exactly: float32 has every integer up to 2^24, float64 up to 2^53.

    Around them the float32 operations of NCNN's kernels: by reciprocals of the steps, and one fused multiply-add.
    A difference in the last bit moves a code now and then, that some codes of the next layer, and so on: after a few
    layers two computations of a plan are as far apart as two roundings of the same network.
    """

    def __init__(self, layer: Layer, grid: Grid, weight_scales: tuple[float, ...]) -> None:
        self._layer, self._grid = layer, grid
        self._dtype = layer.exact_dtype(grid.high - grid.low)
        self._codes = weight_codes(layer.weight, weight_scales).to(self._dtype)
        self._ncnn_scale = _reciprocals((grid.scale,))
        self._scales = layer.per_channel(1 / (self._ncnn_scale * _reciprocals(weight_scales))).double()
        self._bias = layer.per_channel(layer.bias.double())

    def __call__(self, x: Tensor, *_: object) -> Tensor:
        codes = round_to_integer(x * self._ncnn_scale, ROUNDING["ncnn"]).clamp(self._grid.low, self._grid.high)
        sums = self._layer.compute(codes.to(self._dtype), self._codes, None)
        return (sums.float() * self._scales + self._bias).float()  # in float64: rounded once, as when fused


class _CoremlLayer(_FloatLayer):
    """As the program spells it out: operands and result in half precision, the sum in float32."""

    def __init__(self, layer: Layer, grid: Grid | None, weight: Tensor) -> None:
        super().__init__(layer, weight.half())
        self._grid, self._bias = grid, layer.bias.half().float()

    def __call__(self, x: Tensor, *_: object) -> Tensor:
        if self._grid is not None:
            x = self._grid.dequantise(self._grid.quantise(x)).half().float()
        return super().__call__(x)


def _reciprocals(steps: tuple[float, ...]) -> Tensor:
    return (1 / torch.tensor(steps, dtype=torch.float64)).float()


def _compute(layer: Layer, plan: Plan) -> _FloatLayer | _NcnnLayer:
    found = plan.layers.get(layer.name)
    if plan.target == "coreml":
        weight = layer.weight if found is None else stored_weight(layer.weight, found)
        return _CoremlLayer(layer, found.input if found else None, weight)
    if found is None:
        return _FloatLayer(layer, layer.weight.half() if plan.half_floats else layer.weight)
    if found.input is None:
        return _FloatLayer(layer, stored_weight(layer.weight, found))
    assert plan.target == "ncnn"
    return _NcnnLayer(layer, found.input, found.weight_scales)
