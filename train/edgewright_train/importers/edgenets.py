"""The published EdgeNets checkpoints: ESPNetv2, DiCENet and ShuffleNetv2 for one task each.

Source: sacmehta/EdgeNets.  The files are bare state dicts without class names or the input size; the names of their
tensors tell the family and the task, the shapes tell the width scale.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..checkpoint import require_fit
from ..errors import InputError
from ..models import dicenet, espnetv2, shufflenetv2
from ..models.ssd import NUM_MAPS, NUM_PRIORS
from .edgenets_names import RULES, Rules, renamed

_PREFIXES = {"classify": "", "segment": "base_net.", "detect": "base_net.basenet."}
# Per family: its channels by scale, and the upstream tensor as long as the width at stride 8, which tells the scale.
_FAMILIES = {
    "espnetv2": (espnetv2.CHANNELS, "level3_0.act.weight"),
    "dicenet": (dicenet.CHANNELS, "level4.0.left_layer.0.cbr.0.weight"),
    "shufflenetv2": (shufflenetv2.CHANNELS, "level4.0.layer_left.dwise_layer.0.cb.0.weight"),
}


@dataclass(frozen=True)
class _Kind:
    """A network of one family for one task.

    Attributes:
        class_output: the upstream tensor with `outputs_per_class` entries for every class.
        dead: a pattern for what upstream's constructors make and no forward pass of it uses.
    """

    build: Callable[[str, int], nn.Module]
    class_output: str
    dead: str = r"(?!)"
    outputs_per_class: int = 1
    num_other_classes: int = 0


_DEAD_ACTIVATION = r"(?:^|\.)level\d_0\.eesp\.module_act\.weight$"
KINDS = {
    ("espnetv2", "classify"): _Kind(
        espnetv2.EspnetV2Classifier, "classifier.bias", rf"{_DEAD_ACTIVATION}|^level5_0\.inp_reinf\."
    ),
    ("espnetv2", "segment"): _Kind(espnetv2.EspnetV2Segmenter, "bu_dec_l4.merge_layer.3.bias", _DEAD_ACTIVATION),
    ("espnetv2", "detect"): _Kind(espnetv2.EspnetV2Detector, "cls_layers.0.bias", _DEAD_ACTIVATION, NUM_PRIORS, 1),
    ("dicenet", "classify"): _Kind(dicenet.DicenetClassifier, "classifier.2.bias"),
    ("dicenet", "segment"): _Kind(dicenet.DicenetSegmenter, "eff_pool_128x128.merge_layer.3.bias"),
    ("shufflenetv2", "classify"): _Kind(shufflenetv2.ShuffleNetV2Classifier, "classifier.bias"),
}
# Without a plausible class output the file is another network: compare with this one and say what differs.
_DEFAULT_CLASSES = 21


def convert(
    family: str, scale: str, task: str
) -> Callable[[dict[str, Tensor], str], tuple[dict[str, Tensor], int | None]]:
    """The importer of one network: (tensors, source for errors) -> tensors under our names, number of classes.

    It raises `InputError` for another family, scale or task than asked for, and at any difference from the network.
    """
    kind = KINDS[family, task]

    def importer(tensors: dict[str, Tensor], source: str) -> tuple[dict[str, Tensor], int | None]:
        _check_asked_for(tensors, (family, scale, task), source)
        num_classes = _num_classes(tensors.get(kind.class_output), kind)
        ours = _renamed_tensors(tensors, RULES[family], kind.dead, source)
        # Without memory: a small file may claim 65536 classes, which would be gigabytes of heads.
        with torch.device("meta"):
            network = kind.build(scale, num_classes)
        require_fit(network, ours, source=source)
        return {name: ours[name].to(own.dtype) for name, own in network.state_dict().items()}, num_classes

    return importer


def _num_classes(output: Tensor | None, kind: _Kind) -> int:
    if output is None or output.ndim != 1 or len(output) % kind.outputs_per_class:
        return _DEFAULT_CLASSES
    num_classes = len(output) // kind.outputs_per_class - kind.num_other_classes
    return num_classes if 0 < num_classes <= 65536 else _DEFAULT_CLASSES


def _renamed_tensors(tensors: dict[str, Tensor], rules: Rules, dead: str, source: str) -> dict[str, Tensor]:
    ours: dict[str, Tensor] = {}
    for upstream_name, tensor in tensors.items():
        name = renamed(upstream_name, rules)
        if name in ours:
            raise InputError(f"{source}: two tensors for {name}, the second is {upstream_name}")
        if not re.search(dead, upstream_name):
            ours[name] = _as_convolution(tensor)
    for index in range(NUM_MAPS):
        for part in ("weight", "bias"):
            names = [f"{layers}.{index}.{part}" for layers in ("loc_layers", "cls_layers")]
            if all(name in ours for name in names) and len({ours[name].shape[1:] for name in names}) == 1:
                ours[f"heads.{index}.{part}"] = torch.cat([ours.pop(name) for name in names])
    return ours


def _as_convolution(tensor: Tensor) -> Tensor:
    """A linear layer's weight (out, in) as that of the 1x1 convolution it is here."""
    return tensor[:, :, None, None] if tensor.ndim == 2 else tensor


def _check_asked_for(tensors: dict[str, Tensor], wanted: tuple[str, str, str], source: str) -> None:
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
