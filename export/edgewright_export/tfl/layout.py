"""Where torch's axes lie in the file: (N, C, H, W) becomes (N, H, W, C); other ranks stay as they are."""

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
_ORDER = (0, 2, 3, 1)  # file axis -> torch axis, of rank 4


def to_channels_last(values: tuple[_T, ...]) -> tuple[_T, ...]:
    """Anything that has one value per axis, such as a shape."""
    return tuple(values[axis] for axis in _ORDER) if len(values) == len(_ORDER) else values


def file_axis(axis: int, rank: int) -> int:
    """Of torch's axis, which may be negative."""
    return _ORDER.index(axis % rank) if rank == len(_ORDER) else axis % rank


def file_permutation(permutation: Sequence[int]) -> list[int]:
    """Of the axes in the file, from that of torch's axes, both of the same rank."""
    if len(permutation) != len(_ORDER):
        return list(permutation)
    return [_ORDER.index(permutation[axis]) for axis in _ORDER]
