"""A network that computes in half precision between a float32 input and float32 outputs."""

import copy
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, fx, nn


class HalfInside(nn.Module):
    """Works on a copy: the parameters of a captured graph are shared by everything made from it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).half()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(output.float() for output in self.network(image.half()))


class HalfButFor(nn.Module):
    """As `HalfInside`, but the nodes in `full_precision` compute in float32, with the weights as they are."""

    def __init__(self, network: fx.GraphModule, full_precision: Collection[str]) -> None:
        super().__init__()
        self.network, self.full_precision = network, frozenset(full_precision)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(output.float() for output in _MixedRun(self.network, self.full_precision).run(image))


class _MixedRun(fx.Interpreter):
    def __init__(self, network: fx.GraphModule, full_precision: Collection[str]) -> None:
        super().__init__(network)
        self._full_precision = full_precision

    def run_node(self, n: fx.Node) -> Any:
        if n.op != "call_function":
            return super().run_node(n)
        wanted = torch.float32 if n.name in self._full_precision else torch.float16
        operands = fx.node.map_aggregate(self.fetch_args_kwargs_from_env(n), lambda value: _as_float(value, wanted))
        arguments, options = operands
        return self.call_function(n.target, arguments, options)


def _as_float(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
