"""Darknet's `.weights`: a header and floats, layer by layer in the order of the cfg.  spec-darknet-cfg section 6."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..atomic import atomic_file
from ..errors import InputError
from ..untrusted_file import read_at_most
from .cfg import Layer
from .layer_options import Connected
from .parameters import Slot
from .plan import MAX_PARAMETERS, Plan
from .weights_header import WeightsHeader

_MAX_BYTES = 4 * MAX_PARAMETERS + 20
# Published files have variances a little below 0; the smallest epsilon in use, 1e-6, must outweigh them.
_VARIANCE_ROUNDING = 5e-7


@dataclass(frozen=True)
class Weights:
    """What a file holds: tensors under the names of `DarknetNetwork`."""

    header: WeightsHeader
    tensors: dict[str, Tensor]


def read_weights(path: Path, plan: Plan, *, upto: int | None = None) -> Weights:
    """The floats of the first `upto` layers (all), each exactly once and finite.

    Raises `InputError` saying by how many floats the file is off, and at which layer.
    """
    data = read_at_most(path, _MAX_BYTES, "a weights file")
    return parse_weights(data, plan, source=str(path), upto=upto)


def parse_weights(data: bytes, plan: Plan, *, source: str, upto: int | None = None) -> Weights:
    """As `read_weights`, from bytes."""
    header = WeightsHeader.unpack(data, source=source)
    slots = _file_slots(plan, upto)
    _check_count(len(data) - header.num_bytes, slots, plan, source)
    floats = np.frombuffer(data, "<f4", offset=header.num_bytes)
    tensors, start = {}, 0
    for slot in slots:
        values = floats[start : start + slot.num_values]
        _check_values(values, slot, source)
        tensors[slot.name] = _tensor(values, slot, transposed=header.transposed)
        start += slot.num_values
    return Weights(header, tensors)


def pack_weights(weights: Weights, plan: Plan, *, upto: int | None = None) -> bytes:
    """The bytes of a weights file; those that were read, when nothing was changed."""
    blocks = [weights.header.pack()]
    for slot in _file_slots(plan, upto):
        tensor = weights.tensors[slot.name].detach().cpu().reshape(slot.shape)
        if weights.header.transposed and _is_matrix(slot):
            tensor = tensor.flatten(1).T
        blocks.append(tensor.contiguous().numpy().astype("<f4").tobytes())
    return b"".join(blocks)


def write_weights(path: Path, weights: Weights, plan: Plan, *, upto: int | None = None) -> None:
    """Atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(pack_weights(weights, plan, upto=upto))


def num_floats(plan: Plan, *, upto: int | None = None) -> int:
    """That a weights file of this network holds after its header."""
    return sum(slot.num_values for slot in _file_slots(plan, upto))


def _file_slots(plan: Plan, upto: int | None) -> list[Slot]:
    if upto is not None and not 1 <= upto <= len(plan.layers):
        raise InputError(
            f"UPTO={upto}: {plan.cfg.source} has {len(plan.layers)} layers; choose 1 to {len(plan.layers)}"
        )
    return [slot for layer in plan.layers[:upto] for slot in layer.slots if slot.in_file]


def _check_count(num_bytes: int, slots: list[Slot], plan: Plan, source: str) -> None:
    found, rest = divmod(num_bytes, 4)
    wanted = sum(slot.num_values for slot in slots)
    if found == wanted and not rest:
        return
    sizes = f"{source}: {num_bytes} bytes after the header are {found} floats"
    sizes += f" and {rest} bytes" if rest else ""
    last = max((slot.layer.index for slot in slots), default=0)
    sizes += f"; {plan.cfg.source} needs {wanted} up to layer {last}"
    if found >= wanted:
        raise InputError(f"{sizes}: {found - wanted} too many")
    raise InputError(f"{sizes}: {wanted - found} too few, it ends {_where_it_ends(slots, found)}")


def _where_it_ends(slots: list[Slot], found: int) -> str:
    """In a tensor; or behind a whole layer, which is what darknet's cut files (`x.conv.15`) do."""
    ends = list(accumulate(slot.num_values for slot in slots))
    first_missing = slots[bisect_right(ends, found)]
    if found not in ends:
        return f"in {_slot_place(first_missing)}"
    last_whole = slots[ends.index(found)]
    if last_whole.layer.index == first_missing.layer.index:
        return f"before {_slot_place(first_missing)}"
    layer = last_whole.layer
    return f"behind {_layer_place(layer)}; if that is meant, UPTO={layer.index + 1} reads it"


def _check_values(values: NDArray[np.float32], slot: Slot, source: str) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        where = int(bad.argmax())
        raise InputError(
            f"{source}: {_slot_place(slot)}: value {where} is {values[where]} "
            f"({bad.sum()} of {len(values)} are not finite)"
        )
    if slot.name.endswith("running_var") and values.min() < -_VARIANCE_ROUNDING:
        raise InputError(f"{source}: {_slot_place(slot)}: a variance is negative, {values.min()}")


def _slot_place(slot: Slot) -> str:
    return f"{_layer_place(slot.layer)}, {slot.name.removeprefix(f'layers.{slot.layer.index}.')}"


def _layer_place(layer: Layer) -> str:
    return f"layer {layer.index} [{layer.kind}] ({layer.place.source}:{layer.place.section.line})"


def _tensor(values: NDArray[np.float32], slot: Slot, *, transposed: bool) -> Tensor:
    array = values.astype(np.float32)
    if transposed and _is_matrix(slot):
        array = np.ascontiguousarray(array.reshape(-1, slot.shape[0]).T)
    return torch.from_numpy(array).reshape(slot.shape)


def _is_matrix(slot: Slot) -> bool:
    return isinstance(slot.layer.options, Connected) and slot.name.endswith("conv.weight")
