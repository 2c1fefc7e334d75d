"""What a layer computes by a plan before its result is activated and rounded: real values."""

from collections.abc import Callable

from torch import Tensor

from edgewright_calibration.layers import Layer
from edgewright_calibration.plan import Plan
from edgewright_calibration.reference import ROUNDING
from edgewright_calibration.weights import stored_weight


def layer_sums(layer: Layer, plan: Plan) -> Callable[[Tensor], Tensor]:
    """Of what the layer reads.  In float32, of which the last bits are not those of integers."""
    own, rounding = plan.layers.get(layer.name), ROUNDING[plan.target]
    grid = own.input if own is not None else None
    if own is not None:
        weight = stored_weight(layer.weight, own).float()
    else:
        weight = layer.weight.half().float() if plan.half_floats else layer.weight

    def compute(x: Tensor) -> Tensor:
        read = x if grid is None else grid.dequantise(grid.quantise(x, rounding)).float()
        return layer.compute(read, weight, layer.bias)

    return compute
