"""What few bits cost, layer by layer and all together: the outputs' error and, with labels, loss of the task metric."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgewright_export.manifest import Precision, Target
from edgewright_train.data.dataset import Dataset

from .accuracy import ImageScores, Loss, Scorer, paired_loss
from .images import CalibrationImage, identify
from .layers import layers
from .material import Material, network_input
from .plan import Plan
from .ranges import Ranges
from .reference import Reference
from .sensitivity import LayerError, layer_errors, relative_noise

_SOURCE, _WHOLE = "*source", "*whole"  # no name of a layer


@dataclass(frozen=True)
class Picture:
    """One image; `tensor`: as the network reads it.  `size_wh`: as it is stored."""

    index: int
    identity: CalibrationImage
    size_wh: tuple[int, int]
    tensor: Tensor


@dataclass(frozen=True)
class LayerLoss:
    """`loss`: of the metric, the source's less this; None without labels, and where the layer is always float."""

    error: LayerError
    quantised: bool
    loss: float | None


@dataclass(frozen=True)
class Measured:
    """`noise` and `loss` are of all layers together; `source`: scores of the float network, None without labels."""

    layers: tuple[LayerLoss, ...]
    noise: float
    loss: Loss | None
    source: ImageScores | None


def read_pictures(material: Material, dataset: Dataset, indices: Iterable[int]) -> list[Picture]:
    pictures = []
    for index in indices:
        pixels = dataset.image(index)
        tensor = network_input(material.source.preprocess, pixels)
        pictures.append(Picture(index, identify(dataset, index, pixels), (pixels.shape[1], pixels.shape[0]), tensor))
    return pictures


def measure_layers(
    material: Material,
    target: Target,
    precision: Precision,
    ranges: Ranges,
    pictures: Sequence[Picture],
    scorer: Scorer[Any] | None,
    progress: Callable[[int, int], None] | None = None,
) -> Measured:
    """What follows a layer is computed once per image, for its error and its loss alike.

    `scorer`: of the data set that the pictures are from; None where it is not labelled.
    """
    graph_module, make_plan = material.graph_module, material.planner(target, precision, ranges)
    whole = make_plan(()).model_copy(update={"half_floats": False})  # as of single layers: not what is measured here
    scores = _Scores(scorer, material.source.checkpoint.header.architecture.output_names, pictures) if scorer else None
    names = [layer.name for layer in layers(graph_module)]

    def keep(layer: int, image: int, outputs: tuple[Tensor, ...]) -> None:
        if scores is not None and names[layer] in whole.layers:
            scores.add(names[layer], image, outputs)

    tensors = [picture.tensor for picture in pictures]
    errors = layer_errors(graph_module, make_plan, tensors, on_outputs=keep, progress=progress)
    noise = _noise(material, whole, tensors, scores)
    source = scores.of(_SOURCE) if scores else None

    def loss(name: str) -> float | None:
        return source.value() - scores.of(name).value() if scores and source and name in whole.layers else None

    return Measured(
        layers=tuple(
            LayerLoss(error, name in whole.layers, loss(name)) for name, error in zip(names, errors, strict=True)
        ),
        noise=noise,
        loss=paired_loss(source, scores.of(_WHOLE)) if scores and source else None,
        source=source,
    )


class _Scores:
    """Rows of the images, by what computed them."""

    def __init__(self, scorer: Scorer[Any], output_names: Sequence[str], pictures: Sequence[Picture]) -> None:
        self._scorer, self._output_names, self._pictures = scorer, output_names, pictures
        self._rows: dict[str, list[Any]] = {}

    def add(self, name: str, image: int, outputs: Sequence[Tensor]) -> None:
        picture = self._pictures[image]
        maps = {key: output[0].numpy() for key, output in zip(self._output_names, outputs, strict=True)}
        self._rows.setdefault(name, []).append(self._scorer.row(picture.index, picture.size_wh, maps))

    def of(self, name: str) -> ImageScores:
        return self._scorer.scores(self._rows[name])


def _noise(material: Material, whole: Plan, tensors: Sequence[Tensor], scores: _Scores | None) -> float:
    """Of all layers together; scores the source and them on the way."""
    reference = Reference(material.graph_module, whole)
    shares = []
    with torch.inference_mode():
        for image, tensor in enumerate(tensors):
            expected, found = material.graph_module(tensor), reference.run(tensor)
            shares.append(relative_noise(expected, found))
            if scores is not None:
                scores.add(_SOURCE, image, expected)
                scores.add(_WHOLE, image, found)
    return sum(shares) / len(shares)
