"""What all quantised packs of one export start from: made once, whatever the targets and precisions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_export.accuracy import check_labels
from edgewright_export.golden import Case, make_case
from edgewright_export.manifest import Precision, Target
from edgewright_export.proof_images import spread
from edgewright_export.source import Source
from edgewright_train.data.dataset import Dataset
from edgewright_train.errors import InputError
from edgewright_train.inference import Run, torch_run
from edgewright_train.tasks.evaluation import Progress
from edgewright_train.vision.preprocess import Preprocess

from .accuracy import ImageScores, score_images
from .calibration import Calibration
from .images import CalibrationImages
from .layers import layers
from .plan import Plan
from .precisions import ACTIVATIONS, PLANNERS, without
from .ranges import Ranges
from .reference import Reference
from .runs import reference_run
from .sensitivity import LayerError, PlanMaker, layer_errors, relative_noise
from .tflite_plan import with_ends

_NUM_NOISE_IMAGES = 16  # of the calibration set: enough to rank, and quick
_MOST_LISTED = 8


@dataclass(frozen=True)
class Labelled:
    """A data set that losses are measured on, and what the source makes of it."""

    dataset: Dataset
    scores: ImageScores


@dataclass(frozen=True)
class Material:
    """One network and everything its plans are judged by.

    Attributes:
        images: some of the calibration set, (1, 3, H, W) float32, normalised.
        float_outputs: the network's, of each of `images`.
        labelled: None where no labelled data were given.
        codes_at_ends: TFLite's input and outputs are int8 too.
        user_float_layers: layers that the user wants in float whatever comes of it.
    """

    source: Source
    graph_module: fx.GraphModule
    calibration: Calibration
    images: tuple[Tensor, ...]
    float_outputs: tuple[tuple[Tensor, ...], ...]
    labelled: Labelled | None
    user_float_layers: tuple[str, ...]
    codes_at_ends: bool = False

    def plan(self, target: Target, precision: Precision, ranges: Ranges, float_layers: Collection[str] = ()) -> Plan:
        """With `float_layers` and the user's own in float."""
        in_float = {*float_layers, *self.user_float_layers}
        plan = PLANNERS[precision][target](self.graph_module, ranges, in_float)
        if target != "tflite" or not self.codes_at_ends or precision not in ACTIVATIONS:
            return plan
        return with_ends(plan, self.graph_module, self.calibration.ranges_of("min_max"))

    def planner(self, target: Target, precision: Precision, ranges: Ranges) -> PlanMaker:
        """`plan` with float ends as a function of the layers in float; palettes, which take long, are found once."""
        if precision in ACTIVATIONS:
            inside = replace(self, codes_at_ends=False)
            return lambda float_layers: inside.plan(target, precision, ranges, float_layers)
        whole = self.plan(target, precision, ranges)
        return lambda float_layers: without(whole, float_layers)

    def run(self, plan: Plan) -> Run:
        """The plan computed in PyTorch."""
        names = self.source.checkpoint.header.architecture.output_names
        return reference_run(self.graph_module, plan, self.source.preprocess, names)

    def scores(self, run: Run, progress: Progress | None = None) -> ImageScores:
        """Of anything that runs this network, on the labelled data."""
        assert self.labelled is not None
        return score_images(run, self.source.preprocess, self.source.decode, self.labelled.dataset, progress=progress)

    def noise(self, plan: Plan) -> float:
        """Of the outputs, on the calibration images; see `relative_noise`."""
        reference = Reference(self.graph_module, plan)
        with torch.inference_mode():
            pairs = zip(self.images, self.float_outputs, strict=True)
            shares = [relative_noise(expected, reference.run(image)) for image, expected in pairs]
        return sum(shares) / len(shares)

    def errors(self, target: Target, precision: Precision, ranges: Ranges) -> list[LayerError]:
        """Of each layer alone."""
        return layer_errors(self.graph_module, self.planner(target, precision, ranges), self.images)

    def cases(self, plan: Plan, cases: dict[str, Case]) -> dict[str, Case]:
        """What the plan makes of the images of `cases`."""
        run, preprocess, decode = self.run(plan), self.source.preprocess, self.source.decode
        return {name: make_case(case.source_bgr, run, preprocess, decode) for name, case in cases.items()}


def gather(
    source: Source,
    graph_module: fx.GraphModule,
    calibration: Calibration,
    images: CalibrationImages,
    *,
    dataset: Dataset | None,
    float_layers: Sequence[str],
    codes_at_ends: bool = False,
    progress: Progress | None = None,
) -> Material:
    """`dataset`: labelled.  Raises `InputError` for a layer in `float_layers` that does not exist."""
    names = [layer.name for layer in layers(graph_module)]
    if unknown := [name for name in float_layers if name not in names]:
        raise InputError(f"FLOAT={unknown[0]}: no such layer; the network has {_listed(names)}")
    pictures = [images.dataset.image(index) for index in spread(images.indices, _NUM_NOISE_IMAGES)]
    tensors = tuple(network_input(source.preprocess, picture) for picture in pictures)
    with torch.inference_mode():
        float_outputs = tuple(tuple(graph_module(tensor)) for tensor in tensors)
    labelled = _measure(source, dataset, progress) if dataset is not None else None
    return Material(
        source, graph_module, calibration, tensors, float_outputs, labelled, tuple(float_layers), codes_at_ends
    )


def network_input(preprocess: Preprocess, image_bgr: NDArray[np.uint8]) -> Tensor:
    """(1, 3, H, W) float32, normalised, at the network's size."""
    return torch.from_numpy(preprocess.normalise(preprocess.network_image(image_bgr)))


def _measure(source: Source, dataset: Dataset, progress: Progress | None) -> Labelled:
    check_labels(source.checkpoint.header.labels, dataset)
    run = torch_run(source.checkpoint)
    scores = score_images(run, source.preprocess, source.decode, dataset, progress=progress)
    return Labelled(dataset, scores)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST_LISTED else f"{', '.join(names[:_MOST_LISTED])} ... {names[-1]}"
