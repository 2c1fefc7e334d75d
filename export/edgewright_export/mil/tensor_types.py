"""Element types of MIL tensors: how they are stored, and which torch type carries them here.

FLOAT16 is carried in float32 and rounded after every operation: a sum inside an operation keeps float32 precision.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from .malformed import Malformed
from .schema import MIL_pb2

MAX_ELEMENTS = 1 << 28
_MAX_RANK = 16


@dataclass(frozen=True)
class ElementType:
    """One element type.

    Attributes:
        bits: in weight files and `bytes` values; below 8 they are packed, lowest bits first.
        numpy: of the unpacked elements.
        blob_code: its number in weight files; None where it cannot be there.
    """

    name: str
    bits: int
    numpy: DTypeLike
    torch: torch.dtype
    blob_code: int | None = None


STRING = ElementType("STRING", 0, np.object_, torch.uint8)
FLOAT16 = ElementType("FLOAT16", 16, np.float16, torch.float32, 1)

_ELEMENT_TYPES = (
    ElementType("BOOL", 8, np.bool_, torch.bool),
    STRING,
    FLOAT16,
    ElementType("FLOAT32", 32, np.float32, torch.float32, 2),
    ElementType("INT4", 4, np.int8, torch.int8, 8),
    ElementType("INT8", 8, np.int8, torch.int8, 4),
    ElementType("INT16", 16, np.int16, torch.int16, 6),
    ElementType("INT32", 32, np.int32, torch.int32, 14),
    ElementType("INT64", 64, np.int64, torch.int64),
    ElementType("UINT1", 1, np.uint8, torch.uint8, 9),
    ElementType("UINT2", 2, np.uint8, torch.uint8, 10),
    ElementType("UINT3", 3, np.uint8, torch.uint8, 12),
    ElementType("UINT4", 4, np.uint8, torch.uint8, 11),
    ElementType("UINT6", 6, np.uint8, torch.uint8, 13),
    ElementType("UINT8", 8, np.uint8, torch.uint8, 3),
    ElementType("UINT16", 16, np.uint16, torch.int32, 7),
    ElementType("UINT32", 32, np.uint32, torch.int64, 15),
)
_BY_NUMBER = {MIL_pb2.DataType.Value(element.name): element for element in _ELEMENT_TYPES}


def unsigned(bits: int) -> ElementType:
    """UINT1 to UINT8 by its number of bits."""
    for element in _ELEMENT_TYPES:
        if element.name == f"UINT{bits}":
            return element
    raise ValueError(f"there is no unsigned type of {bits} bits")


@dataclass(frozen=True)
class TensorType:
    """Element type and shape, as a program declares them."""

    element: ElementType
    shape: tuple[int, ...]

    @property
    def num_elements(self) -> int:
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"{self.element.name}{list(self.shape)}"

    def settle(self, value: Tensor) -> Tensor:
        """`value` rounded to the element type.  Raises `Malformed` when it is not of this type at all."""
        if tuple(value.shape) != self.shape:
            raise Malformed(f"declared {self}, computed shape {list(value.shape)}")
        if value.dtype != self.element.torch:
            raise Malformed(f"declared {self}, computed {value.dtype}")
        return value.half().float() if self.element is FLOAT16 else value


def read_type(message: Any) -> TensorType:
    """A protobuf `ValueType` of a tensor with constant dimensions."""
    kind = message.WhichOneof("type")
    if kind != "tensorType":
        raise Malformed(f"type {kind}: only tensors are supported")
    tensor = message.tensorType
    if tensor.dataType not in _BY_NUMBER:
        raise Malformed(f"dataType {tensor.dataType} is unknown; known: {', '.join(e.name for e in _ELEMENT_TYPES)}")
    if tensor.rank != len(tensor.dimensions) or not 0 <= tensor.rank <= _MAX_RANK:
        raise Malformed(f"rank {tensor.rank} with {len(tensor.dimensions)} dimensions; at most {_MAX_RANK}")
    if any(d.WhichOneof("dimension") != "constant" for d in tensor.dimensions):
        raise Malformed("a dimension is not constant: flexible shapes are not supported")
    declared = TensorType(_BY_NUMBER[tensor.dataType], tuple(d.constant.size for d in tensor.dimensions))
    if declared.num_elements > MAX_ELEMENTS:
        raise Malformed(f"{declared} has more than {MAX_ELEMENTS} elements")
    return declared
