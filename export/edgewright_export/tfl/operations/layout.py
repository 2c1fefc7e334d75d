"""Operations that only move elements."""

import operator
from collections.abc import Callable, Sequence
from math import prod

import torch
from ai_edge_litert import schema_py_generated as schema

from edgewright_train.errors import CheckError

from ..layout import file_axis, file_permutation, to_channels_last
from ..model import Model, Value

Parts = tuple[Callable[[], Value], ...]  # translated only when they are read


def cat(model: Model, values: Sequence[Value], axis: int = 0) -> Value:
    rank = len(values[0].shape)
    shape = list(values[0].shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    options = schema.ConcatenationOptionsT()
    options.axis = file_axis(axis, rank)
    return model.add("CONCATENATION", values, shape, options)


def cut(
    model: Model, x: Value, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Value:
    """The elements `start`:`end` along one axis."""
    if step != 1:
        raise CheckError(f"tflite: a slice of every {step}th element")
    chosen = range(x.shape[axis])[start:end]
    begin, shape = [0] * len(x.shape), list(x.shape)
    begin[axis], shape[axis] = chosen.start, len(chosen)
    if tuple(shape) == x.shape:
        return x
    where = [model.constant(to_channels_last(tuple(values)), "int32") for values in (begin, shape)]
    return model.add("SLICE", [x, *where], shape, schema.SliceOptionsT(), version=1 if len(shape) <= 4 else 5)


def split_with_sizes(model: Model, x: Value, sizes: Sequence[int], axis: int = 0) -> Parts:
    def part(start: int, size: int) -> Callable[[], Value]:
        return lambda: cut(model, x, axis, start, start + size)

    return tuple(part(sum(sizes[:index]), size) for index, size in enumerate(sizes))


def split(model: Model, x: Value, size: int, axis: int = 0) -> Parts:
    """Into parts of `size`, the last of which may be smaller."""
    length = x.shape[axis]
    return split_with_sizes(model, x, [min(size, length - start) for start in range(0, length, size)], axis)


def chunk(model: Model, x: Value, num_parts: int, axis: int = 0) -> Parts:
    return split(model, x, -(-x.shape[axis] // num_parts), axis)


def take(_: Model, parts: Parts, index: int) -> Value:
    return parts[index]()


def permute(model: Model, x: Value, axes: Sequence[int]) -> Value:
    rank = len(x.shape)
    axes = [axis % rank for axis in axes]
    shape = [x.shape[axis] for axis in axes]
    order = file_permutation(axes)
    return model.add(
        "TRANSPOSE", [x, model.constant(order, "int32")], shape, schema.TransposeOptionsT(), version=_version(rank)
    )


def transpose(model: Model, x: Value, a: int, b: int) -> Value:
    axes = list(range(len(x.shape)))
    axes[a], axes[b] = axes[b], axes[a]
    return permute(model, x, axes)


def reshape(model: Model, x: Value, shape: Sequence[int]) -> Value:
    """Elements keep torch's order, which for rank 4 is not that of the file."""
    known = prod(size for size in shape if size != -1)
    shape = [prod(x.shape) // known if size == -1 else size for size in shape]
    tensor = x.tensor
    if _order_matters(x.shape):
        n, c, h, w = x.shape
        tensor = _transpose_raw(model, tensor, [0, 3, 1, 2], [n, c, h, w])
    if len(shape) != 4:
        return Value(_reshape_raw(model, tensor, shape), tuple(shape))
    n, c, h, w = shape
    if not _order_matters(shape):
        return Value(_reshape_raw(model, tensor, [n, h, w, c]), (n, c, h, w))
    tensor = _reshape_raw(model, tensor, shape)
    return Value(_transpose_raw(model, tensor, [0, 2, 3, 1], [n, h, w, c]), (n, c, h, w))


def channel_shuffle(model: Model, x: Value, groups: int) -> Value:
    """Channel i of group g goes to i * groups + g."""
    n, c, h, w = x.shape
    grouped = _reshape_raw(model, x.tensor, [n * h * w, groups, c // groups])
    shuffled = _transpose_raw(model, grouped, [0, 2, 1], [n * h * w, c // groups, groups])
    return Value(_reshape_raw(model, shuffled, [n, h, w, c]), x.shape)


def pixel_shuffle(model: Model, x: Value, factor: int) -> Value:
    """Channel (c * factor + i) * factor + j becomes row i and column j of a square of channel c."""
    n, channels, h, w = x.shape
    c = channels // factor**2
    apart = _reshape_raw(model, x.tensor, [n * h, w, c, factor, factor])
    placed = _transpose_raw(model, apart, [0, 3, 1, 4, 2], [n * h, factor, w, factor, c])
    return Value(_reshape_raw(model, placed, [n, h * factor, w * factor, c]), (n, c, h * factor, w * factor))


def _order_matters(shape: Sequence[int]) -> bool:
    """Whether channels last is another order of the elements than channels first."""
    return len(shape) == 4 and shape[1] > 1 and shape[2] * shape[3] > 1


def _reshape_raw(model: Model, tensor: int, shape: Sequence[int]) -> int:
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    return model.add_raw("RESHAPE", [tensor, model.constant(shape, "int32")], shape, options)


def _transpose_raw(model: Model, tensor: int, order: Sequence[int], shape: Sequence[int]) -> int:
    inputs = [tensor, model.constant(order, "int32")]
    return model.add_raw("TRANSPOSE", inputs, shape, schema.TransposeOptionsT(), version=_version(len(shape)))


def _version(rank: int) -> int:
    return 1 if rank <= 4 else 4


TRANSLATIONS = {
    operator.getitem: take,
    torch.ops.aten.cat.default: cat,
    torch.ops.aten.channel_shuffle.default: channel_shuffle,
    torch.ops.aten.chunk.default: chunk,
    torch.ops.aten.permute.default: permute,
    torch.ops.aten.pixel_shuffle.default: pixel_shuffle,
    torch.ops.aten.reshape.default: reshape,
    torch.ops.aten.slice.Tensor: cut,
    torch.ops.aten.split.Tensor: split,
    torch.ops.aten.split_with_sizes.default: split_with_sizes,
    torch.ops.aten.transpose.int: transpose,
    torch.ops.aten.view.default: reshape,
}
