"""What kernels on codes have in common, whatever the target.  Values are reals on a grid, float32.

Codes of several steps are integers from zero on, `code - zero_point`.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, fx

from .chains import activation_of
from .grid import Grid
from .layers import Layer
from .plan import Plan
from .weights import weight_codes

Kernel = Callable[..., Tensor]


def operations_on_codes(graph_module: fx.GraphModule, plan: Plan) -> Iterator[tuple[fx.Node, fx.Node | None, Grid]]:
    """Each operation whose result is codes, the activation that is part of it, and the grid behind both."""
    for node in graph_module.graph.nodes:
        activation = None if node.name in plan.outputs else activation_of(node)
        grid = plan.outputs.get(activation.name if activation else node.name)
        if grid is not None:
            yield node, activation, grid


def float_kernels(graph_module: fx.GraphModule, by_operation: Mapping[object, Kernel]) -> dict[str, Kernel]:
    """By the name of the node."""
    nodes = (node for node in graph_module.graph.nodes if node.target in by_operation)
    return {node.name: by_operation[node.target] for node in nodes}


def steps_of(values: Tensor, grid: Grid) -> Tensor:
    """Of values that lie on the grid."""
    return (values / grid.scale).round()


class Result:
    """From steps to real values; `most`: of the activation behind, whose least is 0."""

    def __init__(self, grid: Grid, most: float | None = None) -> None:
        self.grid = grid
        self._low = grid.low if most is None else max(grid.low, grid.zero_point)
        has_end = most is not None and most / grid.scale < grid.high - grid.zero_point
        self._high = grid.zero_point + round((most or 0.0) / grid.scale) if has_end else grid.high

    def __call__(self, steps: Tensor) -> Tensor:
        return self.grid.dequantise((steps.float() + self.grid.zero_point).clamp(self._low, self._high))


class Convolution:
    """Sums of products and the bias are int32, the multiplier to the result's steps is float32.

    `read`: from the operand's values to their steps on `grid`.
    """

    def __init__(
        self,
        layer: Layer,
        weight_scales: tuple[float, ...],
        grid: Grid,
        read: Callable[[Tensor], Tensor],
        result: Result,
    ) -> None:
        self._layer, self._read, self._result = layer, read, result
        sum_scales = torch.tensor(grid.scale) * torch.tensor(weight_scales)
        self._weight = weight_codes(layer.weight, weight_scales).to(layer.exact_dtype(grid.high - grid.low))
        self._bias = layer.per_channel((layer.bias.double() / sum_scales.double()).round())
        self._multipliers = layer.per_channel(sum_scales / torch.tensor(result.grid.scale))

    def __call__(self, x: Tensor, *_: object) -> Tensor:
        sums = self._layer.compute(self._read(x).to(self._weight.dtype), self._weight, None) + self._bias
        return self._result((sums.float() * self._multipliers).round())
