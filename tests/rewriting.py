"""Captured graphs of small modules, rewritten by one rewrite, for the tests of the rewrites."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgewright_export.capture import runnable


def rewritten(module: nn.Module, change: Callable[[fx.GraphModule], None], x: Tensor) -> fx.GraphModule:
    """The graph of `module` at the size of `x` after `change`; it must still compute what `module` does."""
    torch.manual_seed(0)
    graph_module = runnable(torch.export.export(module.eval(), (torch.zeros_like(x),)))
    change(graph_module)
    graph_module.graph.eliminate_dead_code()
    graph_module.graph.lint()
    graph_module.recompile()
    with torch.no_grad():
        expected, computed = module(x), _CheckShapes(graph_module).run(x)
    pairs = [(expected, computed)] if isinstance(expected, Tensor) else list(zip(expected, computed, strict=True))
    for a, b in pairs:
        torch.testing.assert_close(b, a, atol=1e-5 * float(a.abs().max()), rtol=0)
    return graph_module


class _CheckShapes(fx.Interpreter):
    """Runs a graph whose nodes must have the shapes that they are noted to have."""

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, Tensor):
            assert value.shape == n.meta["val"].shape, n
        return value


def operations(graph_module: fx.GraphModule) -> list[str]:
    """Of the graph, in order, by torch's own name: `conv2d`, `cat` ..."""
    return [str(node.target).split(".")[1] for node in graph_module.graph.nodes if node.op == "call_function"]


def settle_norms(module: nn.Module) -> nn.Module:
    """Random statistics and scales, so that folding a batch norm matters."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2)
            if norm.affine:
                nn.init.normal_(norm.weight)
                nn.init.normal_(norm.bias)
    return module
