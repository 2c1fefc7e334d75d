"""A model as a file.  Schema: ai_edge_litert's; a `...T` class is a table of the file as a Python object."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

from .model import Model, Operation, Tensor

_FORMAT_VERSION = 3
_ALIGNMENT = 16
_SIGNATURE = "serving_default"
_TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int8": schema.TensorType.INT8,
}


def write(model: Model, path: Path, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> None:
    """With one subgraph and one signature, whose names, name -> tensor, become those of the tensors."""
    for name, tensor in {**inputs, **outputs}.items():
        model.tensors[tensor].name = name
    graph, signature, file = schema.SubGraphT(), schema.SignatureDefT(), schema.ModelT()
    codes = list(dict.fromkeys((operation.code, operation.version) for operation in model.operations))
    buffers: list[Any] = [schema.BufferT()]  # the first is the empty one
    graph.name, graph.tensors = b"main", [_tensor(tensor, buffers) for tensor in model.tensors]
    graph.operators = [_operator(operation, codes) for operation in model.operations]
    graph.inputs, graph.outputs = list(inputs.values()), list(outputs.values())
    signature.signatureKey, signature.subgraphIndex = _SIGNATURE.encode(), 0
    signature.inputs, signature.outputs = _entries(inputs), _entries(outputs)
    file.version, file.description = _FORMAT_VERSION, b"edgewright"
    file.operatorCodes = [_operator_code(*code) for code in codes]
    file.subgraphs, file.signatureDefs, file.buffers = [graph], [signature], buffers
    flatbuffer_utils.write_model(file, str(path))


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


def _tensor(tensor: Tensor, buffers: list[Any]) -> Any:
    """Its data, where it has any, joins the buffers."""
    table = schema.TensorT()
    table.shape, table.type = list(tensor.shape), _TENSOR_TYPES[tensor.dtype]
    table.name, table.buffer = tensor.name.encode(), 0
    if tensor.values is not None:
        buffers.append(_AlignedBuffer(tensor.values))
        table.buffer = len(buffers) - 1
    if tensor.steps is not None:
        table.quantization = schema.QuantizationParametersT()
        table.quantization.scale = list(tensor.steps.scales)
        table.quantization.zeroPoint = [tensor.steps.zero_point] * len(tensor.steps.scales)
        table.quantization.quantizedDimension = tensor.steps.axis
    return table


def _operator(operation: Operation, codes: list[tuple[str, int]]) -> Any:
    table = schema.OperatorT()
    table.opcodeIndex = codes.index((operation.code, operation.version))
    table.inputs, table.outputs = operation.inputs, [operation.output]
    if operation.options is not None:
        table.builtinOptions = operation.options
        kind = type(operation.options).__name__.removesuffix("T")
        table.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    return table


def _entries(values: Mapping[str, int]) -> list[Any]:
    entries = []
    for name, tensor in values.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), tensor
        entries.append(entry)
    return entries


def _operator_code(code: str, version: int) -> Any:
    """Codes beyond 127 have a field of their own; the old one then says so."""
    entry = schema.OperatorCodeT()
    entry.builtinCode, entry.version = getattr(schema.BuiltinOperator, code), version
    entry.deprecatedBuiltinCode = min(entry.builtinCode, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return entry
