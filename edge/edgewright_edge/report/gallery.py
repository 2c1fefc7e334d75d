"""What the source and every pack see in the same pictures: golden scenes of the packs, and pictures of a data set."""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgewright_export.isolation import IsolatedRunner
from edgewright_export.outputs import Outputs
from edgewright_export.pack import Pack, digest_file
from edgewright_export.parity import compare
from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.data.dataset import Dataset
from edgewright_train.errors import CheckError, InputError
from edgewright_train.inference import torch_run
from edgewright_train.models.architecture import Task

from .classes import see_classes
from .detections import see_detections
from .label_maps import LegendEntry, legend, see_label_map
from .overlay import Frame
from .packs import CheckedPack, PackGroup
from .scenes import Scene, dataset_scenes, golden_scenes
from .seen import Seen

_LONGEST_SIDE = 480  # pixels of an embedded picture: twice what it is shown at
_JPEG_QUALITY = 82

_SEE: dict[Task, Callable[[Pack, Scene, Outputs], Seen[Any]]] = {
    "detect": see_detections,
    "segment": see_label_map,
    "classify": see_classes,
}


@dataclass(frozen=True)
class View:
    """One picture through the source or one pack.  `problem`: why nothing is seen."""

    name: str
    seen: Seen[Any] | None
    problem: str = ""


@dataclass(frozen=True)
class Picture:
    """`views`: the source first, then every pack.  `legend`: of label maps."""

    caption: str
    jpeg: str
    frame: Frame
    views: tuple[View, ...]
    legend: tuple[LegendEntry, ...]


def checkpoints_by_digest(runs: Path, given: Path | None) -> dict[str, Path]:
    """SHA-256 -> file, of `given` and of the best weights of every run."""
    if given is not None and not given.is_file():
        raise InputError(f"WEIGHTS={given}: no such file")
    paths = [*sorted(runs.glob("*/best.safetensors")), *([given] if given else [])]
    return {digest_file(path): path for path in paths}


def gallery(
    group: PackGroup, checkpoint: Path | None, dataset: Dataset, progress: Callable[[int, int], None]
) -> list[Picture]:
    """Golden scenes of a float pack; pictures of `dataset` when the checkpoint is there to say what the source sees."""
    knows_source = group.first.manifest.quantisation is None  # golden vectors of others are those of their plan
    scenes = list(golden_scenes(group.first)) if knows_source else []
    if checkpoint is not None:
        scenes += dataset_scenes(group.first, torch_run(load_checkpoint(checkpoint)), dataset)
    columns = []
    for number, checked in enumerate(group.packs, start=1):
        columns.append(_pack_views(checked, scenes))
        progress(number, len(group.packs))
    return [_picture(scene, group.first, [views[at] for views in columns]) for at, scene in enumerate(scenes)]


def _pack_views(checked: CheckedPack, scenes: Sequence[Scene]) -> list[View]:
    """Of every scene; the pack runs once, and only what is drawn is kept."""
    pack = checked.pack
    if checked.status == "unchecked":
        return [View(pack.name, None, checked.problem)] * len(scenes)
    try:
        with IsolatedRunner(pack.path, pack.manifest) as run:
            return [_view(pack.name, pack, scene, run(scene.network_image)) for scene in scenes]
    except CheckError as error:
        return [View(pack.name, None, str(error))] * len(scenes)


def _view(name: str, pack: Pack, scene: Scene, outputs: Outputs) -> View:
    manifest = pack.manifest
    compared = compare(scene.maps, outputs, manifest.decode, manifest.golden.tolerance)
    if math.isinf(compared.max_error):  # outputs of another shape, or no numbers
        return View(name, None, compared.problem)
    return View(name, _SEE[manifest.task](pack, scene, outputs))


def _picture(scene: Scene, pack: Pack, others: Sequence[View]) -> Picture:
    height, width = scene.image_bgr.shape[:2]
    source = _view("PyTorch source", pack, scene, scene.maps)
    return Picture(
        caption=scene.caption,
        jpeg=_jpeg_base64(scene.image_bgr),
        frame=Frame.of(width, height),
        views=(source, *others),
        legend=_legend(pack, source, others),
    )


def _legend(pack: Pack, source: View, others: Sequence[View]) -> tuple[LegendEntry, ...]:
    if pack.manifest.task != "segment" or source.seen is None:
        return ()
    return legend(source.seen.drawing, [view.seen.drawing for view in others if view.seen], pack.manifest.labels)


def _jpeg_base64(image_bgr: NDArray[np.uint8]) -> str:
    factor = min(1.0, _LONGEST_SIDE / max(image_bgr.shape[:2]))
    small = cv2.resize(image_bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else image_bgr
    encoded, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert encoded
    return base64.b64encode(data.tobytes()).decode()
