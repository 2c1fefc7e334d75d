"""The plan of an ONNX model: chains of what onnxruntime has kernels on uint8 for.

It computes an operation between DequantizeLinear and QuantizeLinear on codes if it has a kernel for it, and whatever
is planned: so everything it has one for is planned so.  A ReLU behind a layer is part of it if the lowest code is zero.
"""

from collections.abc import Collection

import torch
from torch import fx

from .chained_plan import chained_plan
from .chains import Rules
from .plan import Plan
from .ranges import Ranges

_ATEN = torch.ops.aten
_RULES = Rules(
    arithmetic=frozenset(
        {
            _ATEN.add.Tensor, _ATEN.avg_pool2d.default, _ATEN.leaky_relu.default, _ATEN.mul.Tensor,
            _ATEN.sigmoid.default,
        }
    ),
    activations_are_grids=True,
)  # fmt: skip


def onnx_plan(graph_module: fx.GraphModule, ranges: Ranges, *, float_layers: Collection[str] = ()) -> Plan:
    """See `chained_plan`."""
    return chained_plan(graph_module, ranges, "onnx", _RULES, float_layers=float_layers)
