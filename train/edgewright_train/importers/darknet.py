"""Darknet's `.cfg` and `.weights`: the network comes from the cfg, so there is no name to give.

Spec: spec-darknet-cfg.  Tensors are named after the layer's index in the cfg, as in `darknet/network.py`.
"""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..darknet.cfg import read_cfg
from ..darknet.network import DEFAULT_BN_EPS, DarknetNetwork
from ..darknet.plan import Plan, plan_network
from ..darknet.weights import read_weights
from ..darknet.weights_header import WeightsHeader


@dataclass(frozen=True)
class DarknetImport:
    """A network of darknet's with its weights, in eval mode.

    Attributes:
        tensors: all of the network; with `upto`, only those the file held.
        weights_header: to write the same file back.
        warnings: a line each: what the cfg says that was ignored, and what the file left out.
    """

    network: DarknetNetwork
    tensors: dict[str, Tensor]
    weights_header: WeightsHeader
    warnings: tuple[str, ...]

    @property
    def cfg_text(self) -> str:
        """As it was in the file."""
        return self.network.plan.cfg.text

    @property
    def num_classes(self) -> int:
        return self.network.heads.num_classes


def import_darknet(
    cfg: Path,
    weights: Path,
    *,
    size_wh: tuple[int, int] | None = None,
    bn_eps: float = DEFAULT_BN_EPS,
    upto: int | None = None,
) -> DarknetImport:
    """`size_wh` replaces the size in the cfg; `upto` is the number of layers that a cut file (`x.conv.15`) holds.

    Raises `InputError` for a cfg that cannot be built and for weights that are not exactly its own.
    """
    width, height = size_wh or (None, None)
    plan = plan_network(read_cfg(cfg), width=width, height=height)
    # Before anything is allocated: the length of the file proves that the network is as large as the cfg says.
    read = read_weights(weights, plan, upto=upto)
    network = DarknetNetwork(plan, bn_eps=bn_eps)
    network.load_state_dict({**network.state_dict(), **read.tensors})
    return DarknetImport(
        network.eval(),
        network.state_dict() if upto is None else read.tensors,
        read.header,
        (*plan.cfg.warnings, *_left_out(plan, read.tensors, str(weights))),
    )


def _left_out(plan: Plan, tensors: dict[str, Tensor], source: str) -> list[str]:
    layers = {slot.layer.index: slot.layer for slot in plan.slots() if slot.name not in tensors}
    return [
        layer.place.message(f"layer {index} keeps random values: {source} does not hold all of its weights")
        for index, layer in layers.items()
    ]
