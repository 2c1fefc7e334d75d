"""From a float model to one that computes in int8 what a plan says, with QUANTIZE and DEQUANTIZE where the two meet.

The rules, which whoever makes a plan goes by:
- A convolution with a plan reads codes of the grid that the plan has for its input; its result must have a grid.
- A concatenation whose result has a grid puts its operands on that grid first.
- The other operations of `_MOVING` have the grid of what they move, or none.
- Those of `_ARITHMETIC` work on codes when their result has a grid; then all operands must have one.
- Everything else computes in float32, and its result has no grid.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from .model import Model, Operation, Steps, Value

# Operations on codes -> the first version that has them.
_MOVING = {
    "CONCATENATION": 2, "MAX_POOL_2D": 2, "PAD": 2, "PADV2": 2, "RELU": 2, "RELU6": 2, "RESHAPE": 1,
    "RESIZE_NEAREST_NEIGHBOR": 2, "SLICE": 2, "TRANSPOSE": 2,
}  # fmt: skip
_ARITHMETIC = {"ADD": 2, "LEAKY_RELU": 2, "LOGISTIC": 2, "MUL": 2}
_LAYERS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3}
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}  # of the results, in the filters
_LOWEST, _HIGHEST = -128, 127


class Grid(Protocol):
    """Real value = scale * (code - zero_point), for codes -128..127."""

    @property
    def scale(self) -> float: ...
    @property
    def zero_point(self) -> int: ...


class LayerPlan(Protocol):
    """`input`: of what a convolution reads; None: it computes in float.  A step of the weights per result channel."""

    @property
    def input(self) -> Grid | None: ...
    @property
    def weight_scales(self) -> Sequence[float]: ...


class Plan(Protocol):
    """By the names of the graph's nodes.

    Attributes:
        layers: convolutions.
        outputs: whose values are codes.
        ends: the input and those of the model's outputs that are codes outside too.
    """

    @property
    def layers(self) -> Mapping[str, LayerPlan]: ...
    @property
    def outputs(self) -> Mapping[str, Grid]: ...
    @property
    def ends(self) -> Mapping[str, Grid]: ...


def quantised(
    model: Model, plan: Plan, values: Mapping[str, Value], keep: Mapping[int, Grid | None]
) -> tuple[Model, dict[int, int]]:
    """A new model and, for every tensor to `keep`, the one that stands for it: codes on its grid, or else float32.

    `values`: what every node that computes something became.  Raises `CheckError` when the plan does not fit the model.
    """
    ends = {tensor: _steps(grid) for tensor, grid in keep.items() if grid is not None}
    quantiser = _Quantiser(model, plan, values, ends)
    for operation in model.operations:
        quantiser.add(operation)
    return quantiser.result, {
        tensor: quantiser.as_codes(tensor, ends[tensor]) if tensor in ends else quantiser.as_float(tensor)
        for tensor in keep
    }


class _Quantiser:
    """Tensors are the old model's; `as_float` and `as_codes` give those of the new one."""

    def __init__(self, model: Model, plan: Plan, values: Mapping[str, Value], ends: Mapping[int, Steps]) -> None:
        self.result = Model()
        self._model = model
        self._nodes = {value.tensor for value in values.values()}
        self._grids = _grids_by_tensor(plan, values)
        self._layers = {values[name].tensor: layer for name, layer in plan.layers.items()}
        self._floats: dict[int, int] = {}
        self._codes: dict[tuple[int, Steps], int] = {}
        computed = {operation.output for operation in model.operations}
        for index, tensor in enumerate(model.tensors):
            if tensor.values is None and index not in computed:
                self._add_input(index, tensor.shape, ends.get(index))

    def _add_input(self, index: int, shape: tuple[int, ...], steps: Steps | None) -> None:
        tensor = self.result.input_raw(shape, steps)
        if steps is None:
            self._floats[index] = tensor
        else:
            self._grids[index] = steps
            self._codes[index, steps] = tensor

    def add(self, operation: Operation) -> None:
        layer = self._layers.get(operation.output)
        if layer is not None:
            self._add_layer(operation, layer)
            return
        steps = self._steps_of_result(operation)
        if steps is None:
            self._add_float(operation, [self._operand(index) for index in operation.inputs])
        elif operation.code == "CONCATENATION" or (
            operation.code in _MOVING and self._grids.get(operation.inputs[0]) == steps
        ):
            self._add_codes(operation, [self._operand(index, steps) for index in operation.inputs], steps, _MOVING)
        elif operation.code in _ARITHMETIC and all(index in self._grids for index in operation.inputs):
            inputs = [self.as_codes(index, self._grids[index]) for index in operation.inputs]
            self._add_codes(operation, inputs, steps, _ARITHMETIC)
        else:
            raise CheckError(f"tflite: the plan has a grid of {self._name(operation)}, which cannot be computed on it")

    def as_float(self, tensor: int) -> int:
        if tensor not in self._floats:
            codes = self.as_codes(tensor, self._grids[tensor])
            shape = self._model.tensors[tensor].shape
            self._floats[tensor] = self.result.add_raw(
                "DEQUANTIZE", [codes], shape, schema.DequantizeOptionsT(), version=2
            )
        return self._floats[tensor]

    def as_codes(self, tensor: int, steps: Steps) -> int:
        """Rounded to `steps`, from the codes that there are or else from floats."""
        if (tensor, steps) not in self._codes:
            own = self._grids.get(tensor)
            source = self._codes[tensor, own] if own is not None else self._floats[tensor]
            shape = self._model.tensors[tensor].shape
            self._codes[tensor, steps] = self.result.add_raw(
                "QUANTIZE", [source], shape, schema.QuantizeOptionsT(), steps=steps
            )
        return self._codes[tensor, steps]

    def _operand(self, tensor: int, steps: Steps | None = None) -> int:
        """Of an operation in float, or one on codes of `steps`."""
        values = self._model.tensors[tensor].values
        if values is None:
            return self.as_float(tensor) if steps is None else self.as_codes(tensor, steps)
        if steps is None or values.dtype != np.float32:
            return self.result.constant(values, str(values.dtype))
        codes = np.rint(values / np.float64(steps.scales[0])) + steps.zero_point
        return self.result.constant(codes.clip(_LOWEST, _HIGHEST), "int8", steps)

    def _steps_of_result(self, operation: Operation) -> Steps | None:
        """An operation that is one of several for a node and moves codes leaves them on their grid."""
        result = operation.output
        if result not in self._nodes and operation.code in _MOVING and (steps := self._grids.get(operation.inputs[0])):
            self._grids[result] = steps
        return self._grids.get(result)

    def _add_float(self, operation: Operation, inputs: list[int]) -> None:
        old = self._model.tensors[operation.output]
        result = self.result.add_raw(operation.code, inputs, old.shape, operation.options, version=operation.version)
        self.result.tensors[result].name = old.name
        self._floats[operation.output] = result

    def _add_codes(self, operation: Operation, inputs: list[int], steps: Steps, versions: Mapping[str, int]) -> None:
        old = self._model.tensors[operation.output]
        version = max(operation.version, versions[operation.code])
        result = self.result.add_raw(operation.code, inputs, old.shape, operation.options, version=version, steps=steps)
        self.result.tensors[result].name = old.name
        self._codes[operation.output, steps] = result

    def _add_layer(self, operation: Operation, layer: LayerPlan) -> None:
        x, filters, offsets = operation.inputs
        steps, axis = tuple(layer.weight_scales), _CHANNEL_AXIS[operation.code]
        weights = self.result.constant(
            _weight_codes(self._constant(filters), steps, axis), "int8", Steps(steps, 0, axis)
        )
        result_steps = self._grids.get(operation.output)
        if (layer.input is None) != (result_steps is None):
            raise CheckError(f"tflite: the plan must have both grids of {self._name(operation)} or none")
        if layer.input is None:
            shape = self._model.tensors[filters].shape
            weights = self.result.add_raw("DEQUANTIZE", [weights], shape, schema.DequantizeOptionsT(), version=5)
            self._add_float(operation, [self._operand(x), weights, self._operand(offsets)])
            return
        assert result_steps is not None
        sums = tuple(float(np.float32(layer.input.scale) * np.float32(step)) for step in steps)
        bias = np.rint(self._constant(offsets) / np.array(sums)).clip(-(2**31), 2**31 - 1)
        inputs = [self.as_codes(x, _steps(layer.input)), weights, self.result.constant(bias, "int32", Steps(sums))]
        self._add_codes(operation, inputs, result_steps, _LAYERS)

    def _constant(self, tensor: int) -> NDArray[Any]:
        values = self._model.tensors[tensor].values
        assert values is not None
        return values

    def _name(self, operation: Operation) -> str:
        return self._model.tensors[operation.output].name


def _grids_by_tensor(plan: Plan, values: Mapping[str, Value]) -> dict[int, Steps]:
    """Raises `CheckError` when a tensor that stands for two nodes has two, or the plan is of another graph."""
    if strange := [name for name in (*plan.layers, *plan.outputs) if name not in values]:
        raise CheckError(f"tflite: the plan names {strange[0]}, which the graph does not compute")
    grids: dict[int, Steps] = {}
    for name, grid in plan.outputs.items():
        steps = _steps(grid)
        if grids.setdefault(values[name].tensor, steps) != steps:
            raise CheckError(f"tflite: the plan has a grid of {name} that the operation fused with it does not have")
    return grids


def _steps(grid: Grid) -> Steps:
    return Steps((grid.scale,), grid.zero_point)


def _weight_codes(weight: NDArray[Any], scales: Sequence[float], axis: int) -> NDArray[Any]:
    """-127..127; ties go away from zero."""
    steps = np.array(scales).reshape([-1 if index == axis else 1 for index in range(weight.ndim)])
    ratios = weight / steps
    return np.copysign(np.floor(np.abs(ratios) + 0.5), ratios).clip(-127, 127)
