"""The published EdgeNets checkpoints: ESPNetv2, DiCENet and ShuffleNetv2 for one task each.

Source: sacmehta/EdgeNets.  The files are bare state dicts without class names or the input size; the names of their
tensors tell the family and the task, the shapes tell the width scale.
"""

import re
from collections.abc import Callable

from torch import Tensor, nn

from ..checkpoint import load_strictly
from ..errors import InputError
from ..models import espnetv2
from .edgenets_names import RULES, renamed

_PREFIXES = {"classify": "", "segment": "base_net.", "detect": "base_net.basenet."}
# Per family: its channels by scale, and the upstream tensor as long as the width at stride 8, which tells the scale.
_FAMILIES = {"espnetv2": (espnetv2.CHANNELS, "level3_0.act.weight")}
_NETWORKS: dict[tuple[str, str], Callable[[str, int], nn.Module]] = {
    ("espnetv2", "segment"): espnetv2.EspnetV2Segmenter,
}
# What upstream's constructors make and its forward passes leave out.
_DEAD = {
    ("espnetv2", "segment"): r"level\d_0\.eesp\.module_act\.weight$",
}
_CLASS_OUTPUT = {"segment": "decoder.pyramids.3.merge.3.bias"}
_DEFAULT_CLASSES = 21


def convert(
    family: str, scale: str, task: str
) -> Callable[[dict[str, Tensor], str], tuple[dict[str, Tensor], int | None]]:
    """The importer of one network: (tensors, source for errors) -> tensors under our names, number of classes.

    It raises `InputError` for another family, scale or task than asked for, and at any difference from the network.
    """

    def importer(tensors: dict[str, Tensor], source: str) -> tuple[dict[str, Tensor], int | None]:
        _check_kind(tensors, (family, scale, task), source)
        dead = _DEAD.get((family, task))
        ours = {
            renamed(name, RULES[family]): tensor
            for name, tensor in tensors.items()
            if dead is None or not re.search(dead, name)
        }
        bias = ours.get(_CLASS_OUTPUT[task])
        # Without a plausible class output this is another network: compare with a published one and say what differs.
        num_classes = len(bias) if bias is not None and bias.ndim == 1 and 0 < len(bias) <= 65536 else _DEFAULT_CLASSES
        network = _NETWORKS[family, task](scale, num_classes)
        load_strictly(network, ours, source=source)
        return network.state_dict(), num_classes

    return importer


def _check_kind(tensors: dict[str, Tensor], wanted: tuple[str, str, str], source: str) -> None:
    """Raises `InputError` when the file is surely another EdgeNets network."""
    for family, (channels, width_name) in _FAMILIES.items():
        for task, prefix in _PREFIXES.items():
            tensor = tensors.get(prefix + width_name)
            scales = {widths[2]: scale for scale, widths in channels.items()}
            if tensor is None or tensor.ndim == 0 or len(tensor) not in scales:
                continue
            found = (family, scales[len(tensor)], task)
            if found != wanted:
                raise InputError(
                    f"{source}: holds weights of MODEL={found[0]}-{found[1]} TASK={found[2]}, "
                    f"not of MODEL={wanted[0]}-{wanted[1]} TASK={wanted[2]}"
                )
