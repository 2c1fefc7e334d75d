"""Constant values of a program: in the protobuf itself, or in a weight file it points into."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .blob import unpack
from .malformed import Malformed
from .package import Package
from .tensor_types import STRING, TensorType, read_type

Constant = Tensor | str | tuple[str, ...]

# Field of a protobuf TensorValue -> numpy kinds of the element types it may hold.
_FIELDS = {"floats": "f", "ints": "iu", "longInts": "iu", "bools": "b", "strings": "O"}


def read_value(message: Any, package: Package) -> Constant:
    """A protobuf `Value` as torch carries it; strings as Python's."""
    declared = read_type(message.type)
    match message.WhichOneof("value"):
        case "blobFileValue":
            blob = message.blobFileValue
            return _tensor(package.weights(blob.fileName).read(blob.offset, declared), declared)
        case "immediateValue":
            return _read_immediate(message.immediateValue, declared)
        case other:
            raise Malformed(f"value of kind {other}: only immediate values and weight files are supported")


def _read_immediate(message: Any, declared: TensorType) -> Constant:
    if (kind := message.WhichOneof("value")) != "tensor":
        raise Malformed(f"immediate value of kind {kind}: only tensors are supported")
    field = message.tensor.WhichOneof("value")
    element = declared.element
    if field == "bytes" and element is not STRING:
        data = message.tensor.bytes.values
        if len(data) != -(-declared.num_elements * element.bits // 8):
            raise Malformed(f"value of {len(data)} bytes, declared {declared}")
        return _tensor(unpack(data, declared), declared)
    if field not in _FIELDS or np.dtype(element.numpy).kind not in _FIELDS[field]:
        raise Malformed(f"value in field {field}, declared {declared}")
    values = getattr(message.tensor, field).values
    if len(values) != declared.num_elements:
        raise Malformed(f"value of {len(values)} elements, declared {declared}")
    if element is STRING:
        return values[0] if declared.shape == () else tuple(values)
    try:
        return _tensor(np.array(values, element.numpy).reshape(declared.shape), declared)
    except OverflowError:
        raise Malformed(f"value has an element out of the range of {declared}") from None


def _tensor(values: NDArray[np.generic], declared: TensorType) -> Tensor:
    if declared.element.numpy in (np.uint16, np.uint32):
        values = values.astype(np.int64)
    return torch.tensor(values).to(declared.element.torch)
