"""The pictures a gallery shows, with the source's outputs: golden scenes of a pack, and pictures of a data set."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgewright_export.golden import Case, read_case
from edgewright_export.outputs import Outputs
from edgewright_export.pack import Pack
from edgewright_train.data.dataset import Dataset
from edgewright_train.inference import Run
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.segment.decode import LabelMap

NUM_PICTURES = 6
_NOISE_STEP = 60.0  # mean difference of neighbouring pixels: 85 in white noise, under 30 in a photograph


@dataclass(frozen=True)
class Scene:
    """`maps`: what the source makes of it."""

    caption: str
    image_bgr: NDArray[np.uint8]
    network_image: NDArray[np.uint8]
    maps: Outputs


def golden_scenes(pack: Pack) -> Iterator[Scene]:
    """Those with something to see: a golden case may be noise."""
    names = tuple(output.name for output in pack.manifest.outputs)
    for path in pack.manifest.golden.cases:
        case = read_case(pack.path / path, names)
        if _shows_something(case):
            yield Scene(f"{path} of the pack", case.source_bgr, case.network_image, case.maps)


def dataset_scenes(pack: Pack, run: Run, dataset: Dataset) -> Iterator[Scene]:
    """Spread over the data set."""
    for index in np.linspace(0, len(dataset) - 1, min(NUM_PICTURES, len(dataset))).astype(int):
        image = dataset.image(int(index))
        network_image = pack.manifest.input.preprocess.network_image(image)
        yield Scene(Path(dataset.source(int(index))).name, image, network_image, run(network_image))


def _shows_something(case: Case) -> bool:
    """Something is found, of several classes where every pixel has one; and classes found in noise are nothing."""
    if isinstance(case.result, Detections):
        return len(case.result) > 0
    if isinstance(case.result, LabelMap) and len(np.unique(case.result.labels)) == 1:
        return False
    steps = np.abs(np.diff(case.source_bgr.astype(np.int16), axis=1))
    return steps.size == 0 or float(steps.mean()) < _NOISE_STEP
