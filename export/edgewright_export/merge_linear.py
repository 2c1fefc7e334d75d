"""Merge a linear 1x1 convolution into its 1x1 readers: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2).

Exact up to float rounding, computed in float64.  Done only where it saves multiplications.
"""

import torch
from torch import fx, nn


def merge_linear_convolutions(graph_module: fx.GraphModule) -> fx.GraphModule:
    """Rewrite in place; modules that other nodes still use are left alone."""
    graph, modules = graph_module.graph, dict(graph_module.named_modules())
    for node in list(graph.nodes):
        first = _pointwise(node, modules)
        readers = [_pointwise(user, modules) for user in node.users]
        if first is None or not readers or not all(readers):
            continue
        merged = [_merge(first, reader) for reader in readers if reader is not None]
        if _multiplications(merged) > _multiplications([first, *(r for r in readers if r is not None)]):
            continue
        for user, replacement in zip(list(node.users), merged, strict=True):
            _replace(graph_module, user, node, replacement)
        graph.erase_node(node)
    graph.eliminate_dead_code()
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    return graph_module


def _pointwise(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Conv2d | None:
    """The node's 1x1, stride 1, ungrouped convolution, or None."""
    module = modules.get(str(node.target)) if node.op == "call_module" else None
    if not isinstance(module, nn.Conv2d):
        return None
    plain = module.kernel_size == (1, 1) and module.stride == (1, 1) and module.padding == (0, 0) and module.groups == 1
    return module if plain else None


def _merge(first: nn.Conv2d, second: nn.Conv2d) -> nn.Conv2d:
    merged = nn.Conv2d(first.in_channels, second.out_channels, 1)
    w1, w2 = first.weight.double()[:, :, 0, 0], second.weight.double()[:, :, 0, 0]
    b1 = torch.zeros(len(w1), dtype=torch.float64) if first.bias is None else first.bias.double()
    b2 = torch.zeros(len(w2), dtype=torch.float64) if second.bias is None else second.bias.double()
    with torch.no_grad():
        merged.weight.copy_((w2 @ w1)[:, :, None, None])
        assert merged.bias is not None
        merged.bias.copy_(w2 @ b1 + b2)
    return merged


def _multiplications(convolutions: list[nn.Conv2d]) -> int:
    return sum(conv.in_channels * conv.out_channels for conv in convolutions)


def _replace(graph_module: fx.GraphModule, user: fx.Node, producer: fx.Node, module: nn.Conv2d) -> None:
    """Give `user` a module of its own (the original may be shared between scales) and skip `producer`."""
    name = f"{producer.target}_{user.target}".replace(".", "_")
    graph_module.add_submodule(name, module)
    user.target = name
    user.replace_input_with(producer, producer.all_input_nodes[0])
