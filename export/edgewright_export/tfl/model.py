"""A TFLite model under construction: tensors, which operations refer to by their index, and operations in order."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from .layout import to_channels_last

# What can activate its own results (`fusedActivationFunction`).
FUSING_OPERATIONS = frozenset(
    {"ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "DIV", "MAX_POOL_2D", "MUL", "SUB"}
)


@dataclass(frozen=True)
class Value:
    """A tensor of the model that stands for one of the graph.

    Attributes:
        shape: torch's; tensors of rank 4 are (N, C, H, W) there and (N, H, W, C) in the file.
        read_once: by one operation, and no output.
    """

    tensor: int
    shape: tuple[int, ...]
    read_once: bool = False


@dataclass(frozen=True)
class Steps:
    """Real value = scale * (code - zero_point).

    Attributes:
        scales: one, or one per index of the axis.
    """

    scales: tuple[float, ...]
    zero_point: int = 0
    axis: int = 0


@dataclass
class Tensor:
    """`shape` and `values`, of a constant, are as the file has them; `steps`, of integers that stand for reals."""

    shape: tuple[int, ...]
    dtype: str
    values: NDArray[Any] | None = None
    steps: Steps | None = None
    name: str = ""


@dataclass
class Operation:
    """Of the schema: its code's name, the lowest version that has what is used of it, and its table of options."""

    code: str
    version: int
    inputs: list[int]
    output: int
    options: Any


class Model:
    """`half_weights` stores what `weight` gets in half precision; the runtime computes in float32 all the same."""

    def __init__(self) -> None:
        self.half_weights = False
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self._producers: dict[int, Operation] = {}  # by tensor
        self._constants: dict[object, int] = {}

    def constant(self, values: Any, dtype: str = "float32", steps: Steps | None = None) -> int:
        """In the file's own layout.  Equal constants are stored once."""
        array = np.ascontiguousarray(values, dtype)
        key = (dtype, array.shape, steps, hashlib.sha256(array.data).digest())
        if key not in self._constants:
            self._constants[key] = self._tensor(Tensor(array.shape, dtype, array, steps))
        return self._constants[key]

    def weight(self, values: NDArray[np.float32]) -> int:
        """A constant that is large and that a rounding to half precision does not hurt."""
        if not self.half_weights:
            return self.constant(values)
        half = self.constant(values, "float16")
        return self.add_raw("DEQUANTIZE", [half], values.shape, schema.DequantizeOptionsT(), version=3)

    def input(self, shape: tuple[int, ...]) -> Value:
        return Value(self.input_raw(to_channels_last(shape)), shape)

    def input_raw(self, shape: tuple[int, ...], steps: Steps | None = None) -> int:
        """`shape` in the file; int8 with `steps`, otherwise float32."""
        return self._tensor(Tensor(shape, "float32" if steps is None else "int8", steps=steps))

    def add(
        self,
        code: str,
        inputs: Sequence[Value | int],
        shape: Sequence[int],
        options: Any = None,
        *,
        version: int = 1,
    ) -> Value:
        """An operation with one result, which has `shape` as torch counts axes."""
        return Value(self.add_raw(code, inputs, to_channels_last(tuple(shape)), options, version=version), tuple(shape))

    def add_raw(
        self,
        code: str,
        inputs: Sequence[Value | int],
        shape: Sequence[int],
        options: Any = None,
        *,
        version: int = 1,
        steps: Steps | None = None,
    ) -> int:
        """An operation whose result has `shape` in the file; it is int8 where it has `steps`, otherwise float32."""
        indices = [value.tensor if isinstance(value, Value) else value for value in inputs]
        result = self._tensor(Tensor(tuple(shape), "float32" if steps is None else "int8", steps=steps))
        operation = Operation(code, version, indices, result, options)
        self.operations.append(operation)
        self._producers[result] = operation
        return result

    def activate(self, value: Value, activation: str) -> bool:
        """Let the operation that computes `value` activate it as well, when it can and nobody else reads it."""
        operation = self._producers.get(value.tensor)
        if not value.read_once or operation is None or operation.code not in FUSING_OPERATIONS:
            return False
        if operation.options.fusedActivationFunction != schema.ActivationFunctionType.NONE:
            return False
        operation.options.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
        return True

    def name(self, value: Value, name: str) -> None:
        self.tensors[value.tensor].name = name

    def _tensor(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1
