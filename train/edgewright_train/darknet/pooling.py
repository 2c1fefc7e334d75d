"""Darknet's pooling windows: they start `padding // 2` before the map and need not be symmetric."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Axis:
    """Windows along one axis: their number, the cells before the map, and those after it beyond as many."""

    num_windows: int
    before: int
    extra_after: int


def pool_axis(length: int, *, size: int, stride: int, padding: int) -> Axis:
    """`padding` counts both ends together and is less than `size`; outside the map is nothing."""
    num_windows = (length + padding - size) // stride + 1
    before = padding // 2
    symmetric = (length + 2 * before - size) // stride + 1
    return Axis(num_windows, before, num_windows - symmetric)


class EdgePad(nn.Module):
    """(N, C, H, W) -> (N, C, H + rows, W + columns), rows and columns 0 or 1: repeats the last row and column.

    Under a maximum that equals padding with minus infinity, which several runtimes cannot do.
    """

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        assert rows in (0, 1)
        assert columns in (0, 1)
        self.rows, self.columns = rows, columns

    def forward(self, x: Tensor) -> Tensor:
        if self.columns:
            x = torch.cat((x, x[:, :, :, -1:]), 3)
        if self.rows:
            x = torch.cat((x, x[:, :, -1:, :]), 2)
        return x

    def extra_repr(self) -> str:
        return f"rows={self.rows}, columns={self.columns}"


def max_pool(rows: Axis, columns: Axis, *, size: int, stride_hw: tuple[int, int]) -> nn.Module:
    """For maps of the size that `rows` and `columns` were made for."""
    return _padded(rows, columns, nn.MaxPool2d(size, stride_hw, (rows.before, columns.before)))


def average_pool(rows: Axis, columns: Axis, *, size: int, stride_hw: tuple[int, int]) -> nn.Module:
    """Of the cells inside the map.  `extra_after` only with `size` 2: the repeated cell then weighs nothing."""
    padding_hw = (rows.before, columns.before)
    return _padded(rows, columns, nn.AvgPool2d(size, stride_hw, padding_hw, count_include_pad=False))


def _padded(rows: Axis, columns: Axis, pool: nn.Module) -> nn.Module:
    if rows.extra_after or columns.extra_after:
        return nn.Sequential(EdgePad(rows.extra_after, columns.extra_after), pool)
    return pool
