"""A TFLite model under construction: one subgraph, whose tensors are referred to by their index.

Schema: ai_edge_litert's; a `...T` class is a table of the file as a Python object.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

from .layout import to_channels_last

_FORMAT_VERSION = 3
_ALIGNMENT = 16
_SIGNATURE = "serving_default"
_TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
}


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


class Model:
    """`half_weights` stores what `weight` gets in half precision; the runtime computes in float32 all the same."""

    def __init__(self, *, half_weights: bool) -> None:
        self._half_weights = half_weights
        self._buffers = [schema.BufferT()]  # the first is the empty one
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[tuple[str, int]] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], int] = {}  # by dtype, shape and digest

    def constant(self, values: Any, dtype: str = "float32") -> int:
        """In the file's own layout.  Equal constants are stored once."""
        array = np.ascontiguousarray(values, dtype)
        key = (dtype, array.shape, hashlib.sha256(array.data).digest())
        if key not in self._constants:
            self._buffers.append(_AlignedBuffer(array))
            self._constants[key] = self._tensor(array.shape, dtype, buffer=len(self._buffers) - 1)
        return self._constants[key]

    def weight(self, values: NDArray[np.float32]) -> int:
        """A constant that is large and that a rounding to half precision does not hurt."""
        if not self._half_weights:
            return self.constant(values)
        half = self.constant(values, "float16")
        return self._operate("DEQUANTIZE", [half], values.shape, schema.DequantizeOptionsT(), version=3)

    def input(self, shape: tuple[int, ...]) -> Value:
        return Value(self._tensor(to_channels_last(shape)), shape)

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
    ) -> int:
        """An operation whose result has `shape` in the file."""
        indices = [value.tensor if isinstance(value, Value) else value for value in inputs]
        return self._operate(code, indices, shape, options, version=version)

    def activate(self, value: Value, activation: str) -> bool:
        """Let the operation that computes `value` activate it as well, when it can and nobody else reads it."""
        operator = self._operators[-1] if self._operators else None
        if not value.read_once or operator is None or operator.outputs != [value.tensor]:
            return False
        options = operator.builtinOptions
        if getattr(options, "fusedActivationFunction", None) != schema.ActivationFunctionType.NONE:
            return False
        options.fusedActivationFunction = getattr(schema.ActivationFunctionType, activation)
        return True

    def name(self, value: Value, name: str) -> None:
        self._tensors[value.tensor].name = name.encode()

    def write(self, path: Path, inputs: Mapping[str, Value], outputs: Mapping[str, Value]) -> None:
        """With one signature that has these names."""
        graph, signature, model = schema.SubGraphT(), schema.SignatureDefT(), schema.ModelT()
        for name, value in {**inputs, **outputs}.items():
            self.name(value, name)
        graph.name, graph.tensors, graph.operators = b"main", self._tensors, self._operators
        graph.inputs = [value.tensor for value in inputs.values()]
        graph.outputs = [value.tensor for value in outputs.values()]
        signature.signatureKey, signature.subgraphIndex = _SIGNATURE.encode(), 0
        signature.inputs, signature.outputs = _entries(inputs), _entries(outputs)
        model.version, model.description = _FORMAT_VERSION, b"edgewright"
        model.operatorCodes = [_operator_code(*code) for code in self._codes]
        model.subgraphs, model.signatureDefs, model.buffers = [graph], [signature], self._buffers
        flatbuffer_utils.write_model(model, str(path))

    def _tensor(self, shape: Sequence[int], dtype: str = "float32", *, buffer: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.name = list(shape), _TENSOR_TYPES[dtype], buffer, b""
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _operate(self, code: str, inputs: list[int], shape: Sequence[int], options: Any, *, version: int) -> int:
        if (code, version) not in self._codes:
            self._codes.append((code, version))
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = self._codes.index((code, version)), inputs
        result = self._tensor(shape)
        operator.outputs = [result]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._operators.append(operator)
        return result


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """Data at a multiple of 16 bytes, as the schema demands and its Python classes do not see to."""

    def __init__(self, array: NDArray[Any]) -> None:
        super().__init__()
        self.data = array.reshape(-1).view(np.uint8)

    def Pack(self, builder: Any) -> int:  # noqa: N802
        size = len(self.data)
        builder.StartVector(1, size, _ALIGNMENT)
        builder.head -= size
        builder.Bytes[builder.head : builder.head + size] = self.data.tobytes()
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _entries(values: Mapping[str, Value]) -> list[Any]:
    entries = []
    for name, value in values.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), value.tensor
        entries.append(entry)
    return entries


def _operator_code(code: str, version: int) -> Any:
    """Codes beyond 127 have a field of their own; the old one then says so."""
    entry = schema.OperatorCodeT()
    entry.builtinCode, entry.version = getattr(schema.BuiltinOperator, code), version
    entry.deprecatedBuiltinCode = min(entry.builtinCode, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return entry
