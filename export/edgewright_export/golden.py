"""Golden cases: images, and what the PyTorch source makes of them, stored in the pack for every device to repeat."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import numpy as tensors

from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.inference import Run
from edgewright_train.tasks.classify.decode import Classification
from edgewright_train.tasks.decode import Decode, Result, decode_outputs
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.segment.decode import LabelMap
from edgewright_train.vision.preprocess import Preprocess

from .manifest import task_of

_SEED = 20260101
# Smaller and larger than the usual input, odd sides included, so that both directions of the resize are exercised.
_SCENE_SIZES_WH = ((400, 300), (173, 229))
# Scenes to choose from: a detector trained on other things sees little in most; a classifier as much in any.
_NUM_SCENES = {"detect": 24, "segment": 4, "classify": 1}


@dataclass(frozen=True)
class Case:
    """`maps`: output name -> (channels, height, width) of the source in fp32; boxes in `result` are network pixels."""

    source_bgr: NDArray[np.uint8]
    network_image: NDArray[np.uint8]
    maps: dict[str, NDArray[np.float32]]
    result: Result


def make_case(source_bgr: NDArray[np.uint8], run: Run, preprocess: Preprocess, decode: Decode) -> Case:
    """Run the source on one image, from the start."""
    network_image = preprocess.network_image(source_bgr)
    maps = run(network_image)
    return Case(source_bgr, network_image, maps, decode_outputs(maps, decode))


def golden_cases(run: Run, preprocess: Preprocess, decode: Decode) -> dict[str, Case]:
    """By path in the pack: of each size the generated scene in which the source sees most, and noise."""
    noise = np.random.default_rng(_SEED).integers(0, 256, (preprocess.height, preprocess.width, 3), np.uint8)
    cases = [_richest_scene(size_wh, run, preprocess, decode) for size_wh in _SCENE_SIZES_WH]
    cases.append(make_case(noise, run, preprocess, decode))
    return {f"golden/{number:03d}.safetensors": case for number, case in enumerate(cases)}


def _richest_scene(size_wh: tuple[int, int], run: Run, preprocess: Preprocess, decode: Decode) -> Case:
    """A golden case in which nothing is found proves less."""
    count = _NUM_SCENES[task_of(decode)]
    scenes = ShapesDataset("test", seed=_SEED, count=count, size_wh=size_wh)
    cases = (make_case(scenes.image(index), run, preprocess, decode) for index in range(count))
    return max(cases, key=lambda case: _richness(case.result))  # the first of equals


def _richness(result: Result) -> float:
    """Detections found, classes in a label map; a classifier sees as much in one image as in another."""
    if isinstance(result, Detections):
        return len(result)
    return len(np.unique(result.labels)) if isinstance(result, LabelMap) else 0


def write_case(path: Path, case: Case) -> None:
    """Layout: docs/pack.md."""
    arrays = {
        "source_bgr": case.source_bgr,
        "network_image": case.network_image,
        **vars(case.result),
        **case.maps,
    }
    path.write_bytes(tensors.save({name: np.ascontiguousarray(value) for name, value in arrays.items()}))


def read_case(path: Path, output_names: tuple[str, ...]) -> Case:
    """The file's digest has been checked by `open_pack`."""
    arrays = tensors.load(path.read_bytes())
    maps = {name: arrays[name] for name in output_names}
    return Case(arrays["source_bgr"], arrays["network_image"], maps, _result(arrays))


def _result(arrays: dict[str, NDArray[np.generic]]) -> Result:
    """Each kind of result is stored under the names of its fields."""
    kinds: tuple[type[Result], ...] = (Detections, Classification, LabelMap)
    kind = next(kind for kind in kinds if all(field.name in arrays for field in fields(kind)))
    return kind(*(arrays[field.name] for field in fields(kind)))  # type: ignore[arg-type]
