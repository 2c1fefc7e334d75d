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
from .hoist_pointwise import hoist_pointwise_convolutions
from .interleave_shuffles import interleave_shuffles
from .merge_linear import merge_linear_convolutions

Rewrite = Callable[[fx.GraphModule], None]  # in place

REWRITES: tuple[Rewrite, ...] = (
    drop_identities,
    join_channel_shuffles,
    fix_resampling,
    cancel_exchanges,
    fold_batch_norms,
    hoist_pointwise_convolutions,
    merge_linear_convolutions,
    interleave_shuffles,
)


def rewrite(graph_module: fx.GraphModule) -> tuple[fx.GraphModule, tuple[str, ...]]:
    """A new module of the rewritten graph and of the weights that it still uses; what changed it, by name."""
    changed = []
    for change in REWRITES:
        before = str(graph_module.graph)
        change(graph_module)
        graph_module.graph.eliminate_dead_code()
        graph_module.graph.lint()
        if str(graph_module.graph) != before:
            changed.append(change.__name__.replace("_", "-"))
    return fx.GraphModule(graph_module, graph_module.graph), tuple(changed)
