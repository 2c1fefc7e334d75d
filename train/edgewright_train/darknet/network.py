"""A cfg as a PyTorch network."""

from torch import Tensor, nn

from .cfg import Cfg
from .heads import Heads, heads_of
from .layers import layer_module
from .plan import Plan, plan_network
from .shapes import INPUT

DEFAULT_BN_EPS = 1e-5  # AlexeyAB's darknet; OpenCV has 1e-6


class DarknetNetwork(nn.Module):
    """(N, 3, H, W), RGB in 0..1, H and W those of the plan -> a tuple of maps, one per head, in the order of the cfg.

    Detection: what each [yolo] reads.  Classification: logits (N, K, 1, 1).  Segmentation: logits (N, K, h, w).
    Layers keep their index: `layers.12.conv.weight` belongs to layer 12 of the cfg.
    """

    def __init__(self, plan: Plan, *, bn_eps: float = DEFAULT_BN_EPS) -> None:
        super().__init__()
        self.plan = plan
        self.heads: Heads = heads_of(plan)
        self.layers = nn.ModuleList(layer_module(layer, bn_eps=bn_eps) for layer in plan.layers)
        self._needed = _needed(plan, self.heads)
        self._last_reader = {source: index for index in self._needed for source in plan.layers[index].sources}

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        outputs = {INPUT: image}
        for index in self._needed:
            sources = self.plan.layers[index].sources
            outputs[index] = self.layers[index](*(outputs[source] for source in sources))
            for source in set(sources):
                if self._last_reader[source] == index and source not in self.heads.outputs:
                    del outputs[source]
        return tuple(outputs[index] for index in self.heads.outputs)


def build_network(
    cfg: Cfg, *, width: int | None = None, height: int | None = None, bn_eps: float = DEFAULT_BN_EPS
) -> DarknetNetwork:
    """`width` and `height` replace those of [net].  Raises `InputError` when the layers do not fit together."""
    return DarknetNetwork(plan_network(cfg, width=width, height=height), bn_eps=bn_eps)


def _needed(plan: Plan, heads: Heads) -> tuple[int, ...]:
    """The layers that the outputs depend on, in order; others (a head cut off) keep their weights and do not run."""
    needed = set(heads.outputs)
    for layer in reversed(plan.layers):
        if layer.index in needed:
            needed.update(source for source in layer.sources if source != INPUT)
    return tuple(sorted(needed))
