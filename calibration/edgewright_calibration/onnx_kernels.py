"""What onnxruntime's uint8 kernels compute, to the last code, in PyTorch.  Values are reals on a grid, float32.

Source: onnxruntime's optimiser (`core/optimizer/qdq_transformer/`), which makes one operation on codes of an operation
between DequantizeLinear and QuantizeLinear, and its kernels for x86 with AVX2: `MlasQLinearAddU8KernelAvx2`,
`MlasQLinearMul`, `QLinearConv`, and tables of 256 codes for concatenation and functions of one value.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx

from .chains import operands_of
from .code_kernels import Convolution, Kernel, Result, float_kernels, operations_on_codes, steps_of
from .grid import Grid
from .layers import layers
from .onnx_float_kernels import ONNX_FLOAT_KERNELS
from .plan import Plan

_ATEN = torch.ops.aten
_FIRST = -128  # uint8 codes are counted from there


def onnx_kernels(graph_module: fx.GraphModule, plan: Plan) -> dict[str, Kernel]:
    """By the name of the node: every operation on codes that does not only move them, and what torch computes in float
    by another formula.  None where the plan keeps nothing in codes.

    An activation that is part of another operation is the ends of its grid.
    """
    if not plan.outputs:
        return {}
    by_name = {layer.name: layer for layer in layers(graph_module)}
    found = float_kernels(graph_module, ONNX_FLOAT_KERNELS)
    for node, _, grid in operations_on_codes(graph_module, plan):
        result = Result(grid)
        layer_plan = plan.layers.get(node.name)
        if layer_plan is not None and layer_plan.input is not None:
            read = _Reading(layer_plan.input)
            found[node.name] = Convolution(by_name[node.name], layer_plan.weight_scales, read.grid, read, result)
        elif node.target == _ATEN.cat.default:
            found[node.name] = _Concatenation(grid)
        elif node.target in _ARITHMETIC:
            grids = [plan.outputs[operand.name] for operand in operands_of(node)]
            found[node.name] = _ARITHMETIC[node.target](*grids, result)
    return found


class _Reading:
    """The steps of real values on `grid`, by a division in float32: QuantizeLinear, and tables of 256 codes."""

    def __init__(self, grid: Grid) -> None:
        self.grid, self._scale = grid, torch.tensor(grid.scale)

    def __call__(self, values: Tensor) -> Tensor:
        grid = self.grid
        return (values / self._scale).round().clamp(grid.low - grid.zero_point, grid.high - grid.zero_point)


class _Concatenation:
    def __init__(self, grid: Grid) -> None:
        self._read, self._grid = _Reading(grid), grid

    def __call__(self, values: Sequence[Tensor], axis: int = 0) -> Tensor:
        return self._read(torch.cat(list(values), axis)) * self._grid.scale


def _addition(a: Grid, b: Grid, result: Result) -> Kernel:
    """Two fused multiply-adds, the first with what the zero points come to; float64 has their sums exactly."""
    scales = [torch.tensor(grid.scale) for grid in (a, b, result.grid)]
    of_a, of_b = scales[0] / scales[2], scales[1] / scales[2]
    zero_points = [grid.zero_point - _FIRST for grid in (a, b, result.grid)]
    products = _float32(of_a.double() * zero_points[0] + (of_b * zero_points[1]).double())
    offset = _float32(zero_points[2] - products)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        codes_x, codes_y = steps_of(x, a) + zero_points[0], steps_of(y, b) + zero_points[1]
        sums = _float32(codes_y.double() * of_b.double() + offset)
        return result(_float32(codes_x.double() * of_a.double() + sums).round() - zero_points[2])

    return kernel


def _product(a: Grid, b: Grid, result: Result) -> Kernel:
    multiplier = torch.tensor(a.scale) * torch.tensor(b.scale) / torch.tensor(result.grid.scale)
    zero_point = result.grid.zero_point - _FIRST

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        codes = (steps_of(x, a) * steps_of(y, b) * multiplier + zero_point).round()
        return result(codes - zero_point)

    return kernel


def _average_pool(_: Grid, result: Result) -> Kernel:
    scale, zero_point = torch.tensor(result.grid.scale), result.grid.zero_point - _FIRST

    def kernel(x: Tensor, *arguments: object) -> Tensor:
        means: Tensor = _ATEN.avg_pool2d.default(x, *arguments)
        return result((means / scale + zero_point).round() - zero_point)

    return kernel


def _function(of: Callable[..., Tensor]) -> Callable[[Grid, Result], Kernel]:
    """A table with an entry per code."""

    def kernel_for(_: Grid, result: Result) -> Kernel:
        read = _Reading(result.grid)
        return lambda x, *arguments: result(read(of(x, *arguments)))

    return kernel_for


def _float32(values: Tensor) -> Tensor:
    """Rounded to float32; as float64."""
    return values.float().double()


_ARITHMETIC: dict[object, Callable[..., Kernel]] = {
    _ATEN.add.Tensor: _addition,
    _ATEN.avg_pool2d.default: _average_pool,
    _ATEN.leaky_relu.default: _function(_ATEN.leaky_relu.default),
    _ATEN.mul.Tensor: _product,
    _ATEN.sigmoid.default: _function(_ATEN.sigmoid.default),
}
