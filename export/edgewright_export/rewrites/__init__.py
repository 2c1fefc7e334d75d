"""Rewrites of a captured graph, each exact up to float rounding, so that every target has an efficient form of it.

They work on torch's own operations (`torch.ops.aten`), whatever modules or functions a network was written with, and on
the fixed sizes of one export: `node.meta["val"]` has each value's shape.
"""

from collections.abc import Callable

from torch import fx

from .channel_shuffle import join_channel_shuffles
from .drop_identities import drop_identities
from .exchange import cancel_exchanges
from .fix_resampling import fix_resampling
from .fold_batch_norm import fold_batch_norms
from .merge_linear import merge_linear_convolutions

Rewrite = Callable[[fx.GraphModule], None]  # in place

REWRITES: tuple[Rewrite, ...] = (
    drop_identities,
    join_channel_shuffles,
    fix_resampling,
    cancel_exchanges,
    fold_batch_norms,
    merge_linear_convolutions,
)


def rewrite(graph_module: fx.GraphModule) -> fx.GraphModule:
    """A new module of the rewritten graph and of the weights that it still uses."""
    for change in REWRITES:
        change(graph_module)
        graph_module.graph.eliminate_dead_code()
        graph_module.graph.lint()
    return fx.GraphModule(graph_module, graph_module.graph)
