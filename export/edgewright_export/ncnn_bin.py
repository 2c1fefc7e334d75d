"""NCNN's `.bin`: the weights of all layers, one behind the other; only the `.param` says what is where.

Little endian, no header, no names, no index.  A tensor is either *plain*, raw float32, or *tagged*: a 32-bit tag that
says how it is stored, then the data, filled up to a multiple of 4 bytes.
Source: src/modelbin.cpp and the `load_model` of the layers in ncnn 1.0.20261020.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from .ncnn_layers import NCNN_LAYERS
from .ncnn_param import Layer

TAG_FLOAT32 = 0x00000000
TAG_FLOAT16 = 0x01306B47
TAG_INT8 = 0x000D4B38
TAG_CODEBOOK = 0x00000001  # as is any other number that is not one of these
CODEBOOK_SIZE = 256

_TYPES: Mapping[int, str] = {
    TAG_FLOAT32: "<f4",
    0x0002C056: "<f4",
    TAG_FLOAT16: "<f2",
    0x01348B83: "<u2",  # bfloat16, kept as its bits
    TAG_INT8: "<i1",
}
_CODEBOOK_TYPE = "<u1"
_ALIGNMENT = 4


@dataclass(frozen=True)
class Stored:
    """A tensor as it lies in the file.

    Attributes:
        role: what the layer uses it for.
        tag: None for a plain tensor.
        values: (count,) of the type that the tag stands for; indices where there is a codebook.
        codebook: (256,) float32.
        filling: the bytes behind the values, up to a multiple of 4.
    """

    role: str
    tag: int | None
    values: NDArray[Any]
    codebook: NDArray[np.float32] | None = None
    filling: bytes = b""

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in the file."""
        if self.tag is not None:
            yield self.tag.to_bytes(4, "little")
        if self.codebook is not None:
            yield self.codebook.tobytes()
        yield self.values.tobytes()
        yield self.filling


Weights = tuple[Stored, ...]  # of one layer, in the order of the file


def plain(role: str, values: Sequence[float] | NDArray[np.float32]) -> Stored:
    """Raw float32, as biases and scales are kept."""
    return Stored(role, None, np.ascontiguousarray(values, dtype="<f4").ravel())


def tagged(role: str, tag: int, values: NDArray[Any], codebook: NDArray[np.float32] | None = None) -> Stored:
    """`values` must have the tag's type already.  A codebook of less than 256 entries is filled with zeros."""
    expected = _TYPES.get(tag, _CODEBOOK_TYPE)
    assert values.dtype == np.dtype(expected), (values.dtype, expected)
    if codebook is not None:
        codebook = np.pad(codebook.astype("<f4"), (0, CODEBOOK_SIZE - len(codebook)))
    return Stored(role, tag, np.ascontiguousarray(values).ravel(), codebook, bytes(-values.nbytes % _ALIGNMENT))


def read_bin(layers: Sequence[Layer], data: bytes) -> list[Weights]:
    """One entry per layer.  The arrays are views of `data`.

    Raises `CheckError` naming the layer when its type is not known here or the data ends in it, and when data is left.
    """
    reader = _Reader(memoryview(data))
    weights = [tuple(reader.tensor(slot, layer) for slot in _slots(layer)) for layer in layers]
    if reader.num_left:
        raise CheckError(f"ncnn bin: {reader.num_left} bytes are left over behind the last layer")
    return weights


def write_bin(weights: Iterable[Weights]) -> bytes:
    return b"".join(chunk for tensors in weights for tensor in tensors for chunk in tensor.chunks())


def zero_fillings(weights: Iterable[Weights]) -> list[Weights]:
    """pnnx leaves whatever was in its memory behind float16 weights, which can differ from run to run."""
    return [tuple(replace(tensor, filling=bytes(len(tensor.filling))) for tensor in tensors) for tensors in weights]


@dataclass(frozen=True)
class _Slot:
    role: str
    count: int
    tagged: bool = False


class _Reader:
    """Takes nothing that is not there: a count is compared with what is left before anything is made of it."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._position = data, 0

    @property
    def num_left(self) -> int:
        return len(self._data) - self._position

    def tensor(self, slot: _Slot, layer: Layer) -> Stored:
        if slot.count <= 0:
            raise CheckError(f"ncnn bin: layer {layer.name!r} ({layer.kind}): {slot.role} of {slot.count} values")
        where = f"layer {layer.name!r} ({layer.kind}): {slot.role}"
        if not slot.tagged:
            return Stored(slot.role, None, self._array("<f4", slot.count, where))
        tag = int.from_bytes(self._take(4, where), "little")
        has_codebook = tag not in _TYPES
        codebook = self._array("<f4", CODEBOOK_SIZE, where) if has_codebook else None
        values = self._array(_TYPES.get(tag, _CODEBOOK_TYPE), slot.count, where)
        filling = self._take(-values.nbytes % _ALIGNMENT, where)
        return Stored(slot.role, tag, values, codebook, bytes(filling))

    def _array(self, kind: str, count: int, where: str) -> NDArray[Any]:
        data_type = np.dtype(kind)
        return np.frombuffer(self._take(count * data_type.itemsize, where), data_type)

    def _take(self, num_bytes: int, where: str) -> memoryview:
        if num_bytes > self.num_left:
            raise CheckError(f"ncnn bin: {where}: {num_bytes} bytes are needed, {self.num_left} are left")
        start, self._position = self._position, self._position + num_bytes
        return self._data[start : self._position]


def _convolution(layer: Layer) -> Iterator[_Slot]:
    if layer.integer(19, 0):  # its weights are an input
        return
    num_output, code = layer.integer(0, 0), layer.integer(8, 0)
    yield _Slot("weight", layer.integer(6, 0), tagged=True)
    if layer.integer(5, 0):
        yield _Slot("bias", num_output)
    if code:
        yield _Slot("weight_scales", _num_weight_scales(layer, num_output, code))
        yield _Slot("input_scale", 1)
    if code > 100:
        yield _Slot("output_scale", 1)


def _num_weight_scales(layer: Layer, num_output: int, code: int) -> int:
    if layer.kind == "Convolution":
        return num_output
    if code % 100 not in (1, 2) or not 0 < code < 200:
        raise CheckError(f"ncnn bin: layer {layer.name!r} ({layer.kind}): 8={code}; NCNN knows 0, 1, 2, 101 and 102")
    return layer.integer(7, 1) if code % 100 == 1 else 1


def _inner_product(layer: Layer) -> Iterator[_Slot]:
    num_output = layer.integer(0, 0)
    yield _Slot("weight", layer.integer(2, 0), tagged=True)
    if layer.integer(1, 0):
        yield _Slot("bias", num_output)
    if layer.integer(8, 0):
        yield _Slot("weight_scales", num_output)
        yield _Slot("input_scale", 1)


def _memory_data(layer: Layer) -> Iterator[_Slot]:
    width, height, depth, channels = (layer.integer(key, 0) for key in (0, 1, 11, 2))
    if depth:
        sides = [width, height, depth, channels]
    elif channels:
        sides = [width, height, channels]
    else:
        sides = [width, height] if height else [width]
    if sides != [0]:
        yield _Slot("data", math.prod(sides), tagged=layer.integer(21, 1) == 0)


def _batch_norm(layer: Layer) -> Iterator[_Slot]:
    yield from (_Slot(role, layer.integer(0, 0)) for role in ("slope", "mean", "variance", "bias"))


def _scale(layer: Layer) -> Iterator[_Slot]:
    count = layer.integer(0, 0)
    if count == -233:  # its factors are an input
        return
    yield _Slot("scale", count)
    if layer.integer(1, 0):
        yield _Slot("bias", count)


def _padding(layer: Layer) -> Iterator[_Slot]:
    if count := layer.integer(6, 0):
        yield _Slot("values", count)


def _dequantize(layer: Layer) -> Iterator[_Slot]:
    yield _Slot("scale", layer.integer(0, 1))
    if count := layer.integer(1, 0):
        yield _Slot("bias", count)


def _requantize(layer: Layer) -> Iterator[_Slot]:
    yield _Slot("scale_in", layer.integer(0, 1))
    yield _Slot("scale_out", layer.integer(1, 1))
    if count := layer.integer(2, 0):
        yield _Slot("bias", count)


_LAYOUTS: Mapping[str, Callable[[Layer], Iterator[_Slot]]] = {
    "BatchNorm": _batch_norm,
    "Bias": lambda layer: iter([_Slot("bias", layer.integer(0, 0))]),
    "Convolution": _convolution,
    "ConvolutionDepthWise": _convolution,
    "Dequantize": _dequantize,
    "InnerProduct": _inner_product,
    "MemoryData": _memory_data,
    "PReLU": lambda layer: iter([_Slot("slope", layer.integer(0, 0))]),
    "Padding": _padding,
    "Quantize": lambda layer: iter([_Slot("scale", layer.integer(0, 1))]),
    "Requantize": _requantize,
    "Scale": _scale,
}


def _slots(layer: Layer) -> Iterator[_Slot]:
    if layer.kind in _LAYOUTS:
        yield from _LAYOUTS[layer.kind](layer)
    elif layer.kind not in NCNN_LAYERS:
        raise CheckError(f"ncnn bin: layer {layer.name!r} is a {layer.kind}: which weights it has is not known here")
