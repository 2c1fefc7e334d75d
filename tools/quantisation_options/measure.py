"""Variants on labelled images: noise of the outputs and loss of the task metric, all in one pass over the images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewright_calibration.accuracy import ImageScores, Loss, paired_loss, scorer
from edgewright_calibration.material import Material, network_input
from edgewright_calibration.reference import Reference
from edgewright_calibration.sensitivity import relative_noise
from edgewright_train.data.dataset import Dataset

from .variants import Variant

_WORTH = 0.9


@dataclass(frozen=True)
class Measured:
    """One variant on images that nothing was chosen on.

    Attributes:
        noise: of its outputs, the mean over the images.
        loss: of the metric, against the float network.
        gain: of the metric, against the first variant.
    """

    variant: Variant
    noise: float
    loss: Loss
    gain: Loss


@dataclass(frozen=True)
class Table:
    """`source`: the float network's scores.  `rows`: the default first."""

    source: ImageScores
    rows: tuple[Measured, ...]

    @property
    def worth_keeping(self) -> list[Measured]:
        """More than a tenth less noise than the default, on either images, and no larger loss."""
        default = self.rows[0]
        return [
            row
            for row in self.rows[1:]
            if row.noise < _WORTH * default.noise
            and row.variant.noise < _WORTH * default.variant.noise
            and row.loss.value <= default.loss.value
        ]


@torch.inference_mode()
def measure(
    material: Material,
    variants: Sequence[Variant],
    dataset: Dataset,
    indices: Sequence[int],
    progress: Callable[[int, int], None],
) -> Table:
    """`dataset`: labelled for the network's task."""
    scoring = scorer(material.source.preprocess, material.source.decode, dataset)
    names = material.source.checkpoint.header.architecture.output_names
    references = [Reference(variant.graph_module, variant.plan) for variant in variants]
    rows: list[list[Any]] = [[] for _ in range(len(variants) + 1)]
    noise = np.zeros(len(variants))
    for done, index in enumerate(indices, start=1):
        pixels = dataset.image(index)
        image = network_input(material.source.preprocess, pixels)
        expected: Sequence[Tensor] = material.graph_module(image)
        every = [expected, *(reference.run(image) for reference in references)]
        noise += [relative_noise(expected, found) / len(indices) for found in every[1:]]
        for own, outputs in zip(rows, every, strict=True):
            maps = {name: output[0].numpy() for name, output in zip(names, outputs, strict=True)}
            own.append(scoring.row(index, (pixels.shape[1], pixels.shape[0]), maps))
        progress(done, len(indices))
    source, *found_scores = [scoring.scores(own) for own in rows]
    return Table(
        source,
        tuple(
            Measured(variant, float(power), paired_loss(source, scores), paired_loss(scores, found_scores[0]))
            for variant, power, scores in zip(variants, noise, found_scores, strict=True)
        ),
    )
