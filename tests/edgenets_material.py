"""The EdgeNets networks by family and task, and upstream state dicts with the weights of the synthetic fixtures."""

import ast
import zlib
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from shared_material import SHARED
from torch import Tensor, nn

from edgewright_train.importers.edgenets_names import RULES, renamed
from edgewright_train.models.dicenet import DicenetClassifier, DicenetDetector, DicenetSegmenter
from edgewright_train.models.espnetv2 import EspnetV2Classifier, EspnetV2Detector, EspnetV2Segmenter
from edgewright_train.models.shufflenetv2 import ShuffleNetV2Classifier

FIXTURES = SHARED / "fixtures" / "edgenets"
NETWORKS: dict[tuple[str, str], Callable[[str, int], nn.Module]] = {
    ("espnetv2", "classify"): EspnetV2Classifier,
    ("espnetv2", "segment"): EspnetV2Segmenter,
    ("espnetv2", "detect"): EspnetV2Detector,
    ("dicenet", "classify"): DicenetClassifier,
    ("dicenet", "segment"): DicenetSegmenter,
    ("dicenet", "detect"): DicenetDetector,
    ("shufflenetv2", "classify"): ShuffleNetV2Classifier,
}
_KEYS = {
    ("espnetv2", "classify"): "espnetv2_cls_s1.0",
    ("espnetv2", "segment"): "espnetv2_seg_s1.0_pascal",
    ("espnetv2", "detect"): "espnetv2_ssd300_s1.0_voc21",
    ("dicenet", "classify"): "dicenet_cls_s1.0",
    ("dicenet", "segment"): "dicenet_seg_s1.0_pascal",
    ("shufflenetv2", "classify"): "shufflenetv2_cls_s1.0",
}
KINDS_WITH_KEYS = tuple(_KEYS)


def upstream_shapes(family: str, task: str) -> dict[str, tuple[int, ...]]:
    """Of every tensor of the upstream state dict at scale 1.0."""
    lines = (SHARED / "fixtures" / "keys" / f"{_KEYS[family, task]}.txt").read_text().splitlines()
    return {name: ast.literal_eval(shape) for name, shape in (line.split("\t") for line in lines)}


def synthetic_tensors(family: str, task: str, scale: str, num_classes: int) -> dict[str, Tensor]:
    """An upstream state dict whose values follow from the names (fixtures/README.md)."""
    own = {
        name: tuple(tensor.shape) for name, tensor in NETWORKS[family, task](scale, num_classes).state_dict().items()
    }
    return {
        name: _synthetic(name, _shape_at_scale(name, shape, own, family))
        for name, shape in upstream_shapes(family, task).items()
    }


def random_image(seed: int, height: int, width: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 3, height, width)).astype(np.float32))


def _shape_at_scale(name: str, shape: tuple[int, ...], own: dict[str, tuple[int, ...]], family: str) -> tuple[int, ...]:
    """Our tensor's; two upstream heads are one of ours, a linear layer has no kernel, a dead parameter may be any."""
    if name.startswith(("loc_layers", "cls_layers")):
        return (shape[0], *own[f"heads.{name.split('.', 1)[1]}"][1:])
    return own.get(renamed(name, RULES[family]), shape)[: len(shape)]


def _synthetic(name: str, shape: tuple[int, ...]) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    return torch.from_numpy(np.asarray(_values(name, shape), dtype=np.float32))


def _values(name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_mean"):
        return 0.1 * rng.standard_normal(shape)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape)
    if name.endswith("bias"):
        return 0.1 * rng.standard_normal(shape)
    if len(shape) >= 2:
        return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return rng.uniform(0.5, 1.0, shape)
