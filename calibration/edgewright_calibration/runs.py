"""Captured graphs and plans as functions from a network image to output maps, as every runtime is."""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from edgewright_train.inference import Run
from edgewright_train.vision.preprocess import Preprocess

from .coreml_image import coreml_image
from .plan import Plan
from .reference import Reference


def reference_run(
    graph_module: fx.GraphModule, plan: Plan, preprocess: Preprocess, output_names: tuple[str, ...]
) -> Run:
    """What an artefact made from `plan` has to give."""
    reference = Reference(graph_module, plan)
    normalise = partial(coreml_image, preprocess) if plan.target == "coreml" else preprocess.normalise

    def run(network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = reference.run(torch.from_numpy(normalise(network_image)))
        return {name: output[0].numpy() for name, output in zip(output_names, outputs, strict=True)}

    return run
