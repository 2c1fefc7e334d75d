"""Operations that only move elements."""

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from ..kernels import Kernel

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "replicate"}


def reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """0 keeps the axis of `x`, -1 takes what is left."""
    if 0 in shape and len(shape) != x.dim():
        raise ValueError(f"shape {list(shape)} has a 0, but not the rank of x ({x.dim()})")
    return x.reshape([size or x.shape[axis] for axis, size in enumerate(shape)])


def transpose(x: Tensor, perm: tuple[int, ...]) -> Tensor:
    return x.permute(perm)


def expand_dims(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def squeeze(x: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(axes)


def concat(values: list[Tensor], axis: int, interleave: bool = False) -> Tensor:
    """Interleaved: element 0 of each value along `axis`, then element 1 of each ..."""
    if not interleave:
        return torch.cat(values, axis)
    axis %= values[0].dim()
    return torch.stack(values, axis + 1).flatten(axis, axis + 1)


def stack(values: list[Tensor], axis: int) -> Tensor:
    return torch.stack(values, axis)


def split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: tuple[int, ...] | None = None
) -> tuple[Tensor, ...]:
    if split_sizes is not None:
        return torch.split(x, list(split_sizes), axis)
    if not num_splits or x.shape[axis] % num_splits:
        raise ValueError(f"{x.shape[axis]} elements do not split into {num_splits} equal parts")
    return torch.split(x, x.shape[axis] // num_splits, axis)


def slice_by_index(
    x: Tensor,
    begin: tuple[int, ...],
    end: tuple[int, ...],
    stride: tuple[int, ...] | None = None,
    begin_mask: tuple[bool, ...] | None = None,
    end_mask: tuple[bool, ...] | None = None,
    squeeze_mask: tuple[bool, ...] | None = None,
) -> Tensor:
    """numpy's begin:end:stride on every axis; a mask drops begin or end, `squeeze_mask` takes element `begin` alone."""
    rank = x.dim()
    strides = stride or (1,) * rank
    no = (False,) * rank
    rows = zip(begin, end, strides, begin_mask or no, end_mask or no, squeeze_mask or no, strict=True)
    index: list[int | slice] = []
    flipped = []
    for axis, (first, last, step, from_start, to_end, single) in enumerate(rows):
        if single:
            index.append(first)
            continue
        wanted = range(x.shape[axis])[slice(None if from_start else first, None if to_end else last, step)]
        if step < 0:  # torch has no negative steps
            flipped.append(sum(isinstance(entry, slice) for entry in index))
            wanted = wanted[::-1]
        index.append(slice(wanted.start, wanted.stop, wanted.step))
    return x[tuple(index)].flip(flipped)


def pad(x: Tensor, pad: tuple[int, ...], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """(before, after) of the last axes, in their order."""
    if mode not in _PAD_MODES:
        raise ValueError(f"mode {mode!r}: known are {', '.join(_PAD_MODES)}")
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], mode, constant_val if mode == "constant" else None)


def tile(x: Tensor, reps: tuple[int, ...]) -> Tensor:
    return x.repeat(reps)


def crop(x: Tensor, crop_height: tuple[int, ...], crop_width: tuple[int, ...]) -> Tensor:
    (top, bottom), (left, right) = crop_height, crop_width
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    return F.pixel_shuffle(x, upscale_factor)


def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    return F.pixel_unshuffle(x, downscale_factor)


def flatten2d(x: Tensor, axis: int = 1) -> Tensor:
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


def identity(x: Tensor) -> Tensor:
    return x


KERNELS: dict[str, Kernel] = {
    "concat": concat,
    "crop": crop,
    "expand_dims": expand_dims,
    "flatten2d": flatten2d,
    "identity": identity,
    "pad": pad,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "reshape": reshape,
    "slice_by_index": slice_by_index,
    "split": split,
    "squeeze": squeeze,
    "stack": stack,
    "tile": tile,
    "transpose": transpose,
}
