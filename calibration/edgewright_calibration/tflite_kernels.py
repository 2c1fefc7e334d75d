"""What LiteRT's int8 kernels compute, to the last code, in PyTorch.  Values are reals on a grid, float32.

Source: XNNPACK, to which LiteRT hands these operations: the scalar form of each kernel (`qs8-*`) and its parameters
(`src/microparams-init.c`).
"""

import math
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, fx

from .chains import operands_of
from .code_kernels import Convolution, Kernel, Result, float_kernels, operations_on_codes, steps_of
from .grid import Grid
from .layers import layers
from .plan import Plan

_ATEN = torch.ops.aten
_LIMITS: dict[object, float] = {_ATEN.relu.default: math.inf, _ATEN.relu6.default: 6.0, _ATEN.hardtanh.default: 6.0}
_FRACTION_BITS = 8  # of the multipliers of QUANTIZE and LEAKY_RELU
_SUM_BITS = 20  # of the larger multiplier of ADD


def tflite_kernels(graph_module: fx.GraphModule, plan: Plan) -> dict[str, Kernel]:
    """By the name of the node: every operation on codes that does not only move them, and what torch computes in float
    by another formula than the file.  Codes have few values, so that one on an edge between two others is met often.

    An operation that is fused with its activation activates as well.  None where the plan keeps nothing in codes.
    """
    if not plan.outputs:
        return {}
    by_name = {layer.name: layer for layer in layers(graph_module)}
    found = float_kernels(graph_module, _FLOAT)
    for node, activation, grid in operations_on_codes(graph_module, plan):
        result = Result(grid, _LIMITS[activation.target] if activation else None)
        layer_plan = plan.layers.get(node.name)
        if layer_plan is not None and layer_plan.input is not None:
            read = _Reading(plan.outputs.get(by_name[node.name].input.name), layer_plan.input)
            found[node.name] = Convolution(by_name[node.name], layer_plan.weight_scales, read.grid, read, result)
        elif node.target == _ATEN.cat.default:
            parts = cast(Sequence[fx.Node], node.args[0])
            found[node.name] = _Concatenation([_Reading(plan.outputs.get(x.name), grid) for x in parts], grid)
        elif node.target in _ARITHMETIC:
            grids = [plan.outputs[x.name] for x in operands_of(node) if getattr(x, "name", None) in plan.outputs]
            if len(grids) == len(operands_of(node)):
                found[node.name] = _ARITHMETIC[node.target](*grids, result)
    return found


class _Reading:
    """The steps of an operand on `grid`: its own, or rounded by QUANTIZE from those of `own` or from float."""

    def __init__(self, own: Grid | None, grid: Grid) -> None:
        self._own, self.grid = own, grid
        self._reciprocal = 1 / torch.tensor(grid.scale)

    def __call__(self, values: Tensor) -> Tensor:
        wanted = self.grid
        if self._own is None:
            steps = (values * self._reciprocal).round()
        elif self._own == wanted:
            return steps_of(values, wanted)
        else:
            steps = _shifted(steps_of(values, self._own) * _multiplier(self._own.scale / wanted.scale), _FRACTION_BITS)
        return steps.clamp(wanted.low - wanted.zero_point, wanted.high - wanted.zero_point)


class _Concatenation:
    def __init__(self, reads: Sequence[_Reading], grid: Grid) -> None:
        self._reads, self._grid = reads, grid

    def __call__(self, values: Sequence[Tensor], axis: int = 0) -> Tensor:
        parts = [read(value) for read, value in zip(self._reads, values, strict=True)]
        return torch.cat(parts, axis) * self._grid.scale


def _addition(a: Grid, b: Grid, result: Result) -> Kernel:
    """Fixed-point multipliers of one shift, the larger of which has 21 bits."""
    ratios = [_float32_ratio(grid.scale, result.grid.scale) for grid in (a, b)]
    shift = _SUM_BITS - math.frexp(max(ratios))[1] + 1
    multipliers = [round(ratio * 2**shift) for ratio in ratios]

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return result(
            _shifted(steps_of(x, a).double() * multipliers[0] + steps_of(y, b).double() * multipliers[1], shift)
        )

    return kernel


def _product(a: Grid, b: Grid, result: Result) -> Kernel:
    multiplier = torch.tensor(a.scale) * torch.tensor(b.scale) / torch.tensor(result.grid.scale)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return result((steps_of(x, a) * steps_of(y, b) * multiplier).round())

    return kernel


def _leaky_relu(a: Grid, result: Result) -> Kernel:
    def kernel(x: Tensor, slope: float = 0.01) -> Tensor:
        ratio = _float32_ratio(a.scale, result.grid.scale)
        below = float(torch.tensor(ratio) * torch.tensor(slope))
        steps = steps_of(x, a)
        return result(_shifted(steps * torch.where(steps < 0, _multiplier(below), _multiplier(ratio)), _FRACTION_BITS))

    return kernel


def _sigmoid(_: Grid, result: Result) -> Kernel:
    def kernel(x: Tensor) -> Tensor:
        return result((torch.sigmoid(x) / result.grid.scale).round())

    return kernel


def _batch_norm(
    x: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    _training: bool,
    _momentum: float,
    epsilon: float,
    *_: object,
) -> Tensor:
    """A product, then a sum."""
    scale = (variance.double() + epsilon).rsqrt() * (1.0 if gamma is None else gamma.double())
    offset = (0.0 if beta is None else beta.double()) - mean.double() * scale
    return x * scale.float().reshape(-1, 1, 1) + offset.float().reshape(-1, 1, 1)


def _bilinear(
    x: Tensor, size: Sequence[int] | None, align_corners: bool, factors: Sequence[float] | None = None
) -> Tensor:
    """Along rows, then along columns, each as a + (b - a) * share."""
    height, width = x.shape[2:]
    rows, columns = size or [math.floor(n * factor) for n, factor in zip(x.shape[2:], factors or (), strict=True)]
    left, right, across = _neighbours(width, columns, align_corners)
    wide = x[..., left] + (x[..., right] - x[..., left]) * across
    above, below, down = _neighbours(height, rows, align_corners)
    return wide[..., above, :] + (wide[..., below, :] - wide[..., above, :]) * down[:, None]


def _neighbours(num_from: int, num_to: int, align_corners: bool) -> tuple[Tensor, Tensor, Tensor]:
    """For each result the elements before and behind it, and the share of the one behind."""
    scale = torch.tensor((num_from - 1) / max(num_to - 1, 1) if align_corners else num_from / num_to)
    positions = torch.arange(num_to) * scale + (0.0 if align_corners else 0.5 * scale - 0.5)
    positions = positions.clamp(0, num_from - 1)
    before = positions.long()
    return before, (before + 1).clamp(max=num_from - 1), positions - before


_FLOAT: dict[object, Kernel] = {
    _ATEN.batch_norm.default: _batch_norm,
    _ATEN.upsample_bilinear2d.vec: _bilinear,
}
_ARITHMETIC: dict[object, Callable[..., Kernel]] = {
    _ATEN.add.Tensor: _addition,
    _ATEN.leaky_relu.default: _leaky_relu,
    _ATEN.mul.Tensor: _product,
    _ATEN.sigmoid.default: _sigmoid,
}


def _multiplier(ratio: float) -> int:
    return round(ratio * 2**_FRACTION_BITS)


def _float32_ratio(a: float, b: float) -> float:
    return float(torch.tensor(a) / torch.tensor(b))


def _shifted(products: Tensor, bits: int) -> Tensor:
    """Divided by 2^bits and rounded, halves up: exact for products of up to 53 bits."""
    return (products.double() / 2**bits + 0.5).floor().float()
