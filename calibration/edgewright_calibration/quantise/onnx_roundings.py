"""A plan's roundings in the captured graph itself, so that torch's exporter writes them where they belong."""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from edgewright_export.to_onnx import Translations
from edgewright_train.errors import CheckError

from ..chains import before_layers
from ..grid import Grid
from ..plan import Plan

_ATEN = torch.ops.aten
# Operations that onnxruntime would compute on codes or quantise by itself, were they between two roundings.
_CAPTURED = frozenset({_ATEN.conv2d.default, _ATEN.linear.default, _ATEN.softmax.int})


@torch.library.custom_op("edgewright::rounded", mutates_args=())
def _rounded(x: Tensor, scale: float, zero_point: int) -> Tensor:
    """The value is of no interest: the operation is made to be exported."""
    return x.clone()


@torch.library.custom_op("edgewright::apart", mutates_args=())
def _apart(x: Tensor) -> Tensor:
    """`x`, by an operation that no optimiser looks through."""
    return x.clone()


@_rounded.register_fake
def _(x: Tensor, scale: float, zero_point: int) -> Tensor:
    return torch.empty_like(x)


@_apart.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


_ROUNDED = torch.ops.edgewright.rounded.default
_APART = torch.ops.edgewright.apart.default


def translations() -> Translations:
    """Of what `with_roundings` puts into a graph."""
    from onnx import numpy_helper  # noqa: PLC0415
    from onnxscript import opset18  # noqa: PLC0415

    op: Any = opset18  # whose types leave out uint8

    def rounded(x: Any, scale: float, zero_point: int) -> Any:
        step = op.Constant(value=numpy_helper.from_array(np.array(scale, np.float32)))
        zero = op.Constant(value=numpy_helper.from_array(np.array(zero_point, np.uint8)))
        return op.DequantizeLinear(op.QuantizeLinear(x, step, zero), step, zero)

    def apart(x: Any) -> Any:
        return op.Max(x)

    return {_ROUNDED: rounded, _APART: apart}


def with_roundings(graph_module: fx.GraphModule, plan: Plan) -> fx.GraphModule:
    """A copy in which every value that the plan has codes of, and what is read as codes, is rounded to a grid."""
    found = copy.deepcopy(graph_module)
    _Inserter(found, plan).run()
    found.recompile()
    return found


class _Inserter:
    """Nodes keep their names.  A value that several operations read on one grid is rounded once."""

    def __init__(self, graph_module: fx.GraphModule, plan: Plan) -> None:
        self._module, self._graph, self._plan = graph_module, graph_module.graph, plan
        self._before_layers = before_layers(graph_module)
        self._grids: dict[fx.Node, Grid] = {}  # of rounded values
        self._rounded: dict[tuple[fx.Node, Grid], fx.Node] = {}

    def run(self) -> None:
        for node in list(self._graph.nodes):
            self._change_operands(node)
            if (grid := self._plan.outputs.get(node.name)) is not None:
                with self._graph.inserting_after(node):
                    rounded = self._round(node, grid)
                node.replace_all_uses_with(rounded, delete_user_cb=lambda user, own=rounded: user is not own)

    def _change_operands(self, node: fx.Node) -> None:
        layer, operands = self._plan.layers.get(node.name), node.all_input_nodes
        with self._graph.inserting_before(node):
            if layer is not None and layer.input is not None:
                node.update_arg(0, self._on_grid(operands[0], layer.input))
            elif node.target == _ATEN.cat.default and node.name in self._plan.outputs:
                for operand in operands:
                    if operand not in self._grids:
                        node.replace_input_with(operand, self._on_grid(operand, self._plan.outputs[node.name]))
            elif node.target in _CAPTURED and node in self._before_layers and operands[0] in self._grids:
                node.update_arg(0, self._graph.call_function(_APART, (operands[0],)))

    def _on_grid(self, value: fx.Node, grid: Grid) -> fx.Node:
        if self._grids.get(value) == grid:
            return value
        if (value, grid) not in self._rounded:
            self._rounded[value, grid] = self._round(value, grid)
        return self._rounded[value, grid]

    def _round(self, value: fx.Node, grid: Grid) -> fx.Node:
        if (grid.low, grid.high) != (-128, 127):
            raise CheckError(
                f"onnx: {value.name!r}: QuantizeLinear has the codes -128..127, not {grid.low}..{grid.high}"
            )
        rounded = self._graph.call_function(_ROUNDED, (value, grid.scale, grid.zero_point + 128))
        self._grids[rounded] = grid
        return rounded
