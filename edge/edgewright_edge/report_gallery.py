"""What the source and every pack see in the same pictures: golden scenes of the packs, and pictures of a data set."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgewright_export.detection_parity import without_partner
from edgewright_export.golden import read_case
from edgewright_export.isolation import IsolatedRunner
from edgewright_export.pack import Pack, digest_file
from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.data.dataset import DetectionDataset
from edgewright_train.errors import CheckError, InputError
from edgewright_train.inference import Run, torch_run
from edgewright_train.tasks.detect.decode import DetectDecode, detect
from edgewright_train.tasks.detect.detections import Detections, Suppression

from .report_overlay import Box, Frame, Verdict, overlay
from .report_packs import CheckedPack, PackGroup

NUM_PICTURES = 6
_LONGEST_SIDE = 480  # pixels of an embedded picture: twice what it is shown at
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class View:
    """One picture through the source or one pack.

    Attributes:
        num_different: detections outside the pack's tolerance, on either side.
        problem: why there are no boxes.
    """

    name: str
    boxes: tuple[Box, ...] = ()
    num_detections: int = 0
    num_different: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Picture:
    """`views`: the source first, then every pack."""

    caption: str
    jpeg: str
    frame: Frame
    views: tuple[View, ...]


@dataclass(frozen=True)
class _Scene:
    """A picture and what the source finds in it, in network pixels."""

    caption: str
    image_bgr: NDArray[np.uint8]
    network_image: NDArray[np.uint8]
    source: Detections


def checkpoints_by_digest(runs: Path, given: Path | None) -> dict[str, Path]:
    """SHA-256 -> file, of `given` and of the best weights of every run."""
    if given is not None and not given.is_file():
        raise InputError(f"WEIGHTS={given}: no such file")
    paths = [*sorted(runs.glob("*/best.safetensors")), *([given] if given else [])]
    return {digest_file(path): path for path in paths}


def gallery(
    group: PackGroup, checkpoint: Path | None, dataset: DetectionDataset, progress: Callable[[int, int], None]
) -> list[Picture]:
    """Golden scenes always; pictures of `dataset` when the checkpoint is there to say what the source sees."""
    if not isinstance(group.first.manifest.decode, Suppression):
        return []
    scenes = list(_golden_scenes(group.first))
    if checkpoint is not None:
        scenes += _dataset_scenes(group.first, torch_run(load_checkpoint(checkpoint)), dataset)
    found: dict[str, list[Detections] | str] = {}
    for number, checked in enumerate(group.packs, start=1):
        found[checked.name] = _run_pack(checked, scenes)
        progress(number, len(group.packs))
    return [_picture(scene, index, group, found) for index, scene in enumerate(scenes)]


def _golden_scenes(pack: Pack) -> Iterator[_Scene]:
    """Those the source finds something in: a golden case may be noise."""
    names = tuple(output.name for output in pack.manifest.outputs)
    for path in pack.manifest.golden.cases:
        case = read_case(pack.path / path, names)
        if isinstance(case.result, Detections) and len(case.result):
            yield _Scene(f"{path} of the pack", case.source_bgr, case.network_image, case.result)


def _dataset_scenes(pack: Pack, run: Run, dataset: DetectionDataset) -> Iterator[_Scene]:
    """Spread over the data set."""
    manifest = pack.manifest
    for index in np.linspace(0, len(dataset) - 1, min(NUM_PICTURES, len(dataset))).astype(int):
        image = dataset.image(int(index))
        network_image = manifest.input.preprocess.network_image(image)
        source = detect(run(network_image), _rule(pack))
        yield _Scene(Path(dataset.source(int(index))).name, image, network_image, source)


def _rule(pack: Pack) -> DetectDecode:
    decode = pack.manifest.decode
    assert isinstance(decode, Suppression)  # `gallery` leaves other tasks out
    return decode


def _run_pack(checked: CheckedPack, scenes: Sequence[_Scene]) -> list[Detections] | str:
    """The pack's detections in every scene, in network pixels, or why there are none."""
    if checked.status == "unchecked":
        return checked.problem
    pack = checked.pack
    try:
        with IsolatedRunner(pack.path, pack.manifest) as run:
            return [detect(run(scene.network_image), _rule(pack)) for scene in scenes]
    except CheckError as error:
        return str(error)


def _picture(scene: _Scene, index: int, group: PackGroup, found: Mapping[str, list[Detections] | str]) -> Picture:
    height, width = scene.image_bgr.shape[:2]
    frame = Frame.of(width, height)
    views = [_view("PyTorch source", group.first, scene, scene.source, frame)]
    for checked in group.packs:
        detections = found[checked.name]
        if isinstance(detections, str):
            views.append(View(checked.name, problem=detections))
        else:
            views.append(_view(checked.name, checked.pack, scene, detections[index], frame))
    return Picture(scene.caption, _jpeg_base64(scene.image_bgr), frame, tuple(views))


def _view(name: str, pack: Pack, scene: _Scene, found: Detections, frame: Frame) -> View:
    """The detections found, and those of the source that are missing."""
    manifest = pack.manifest
    missing, extra = without_partner(scene.source, found, _rule(pack), manifest.golden.tolerance)
    verdicts: list[Verdict] = ["extra" if is_extra else "same" for is_extra in extra]
    verdicts += ["missing"] * int(missing.sum())
    shown = Detections(
        np.concatenate([found.boxes_xyxy, scene.source.boxes_xyxy[missing]]),
        np.concatenate([found.scores, scene.source.scores[missing]]),
        np.concatenate([found.class_indices, scene.source.class_indices[missing]]),
    )
    size, (height, width) = manifest.input.preprocess, scene.image_bgr.shape[:2]
    in_picture = shown.scaled((size.width, size.height), (width, height))
    boxes = overlay(in_picture, manifest.labels, frame, verdicts)
    return View(name, boxes, len(found), int(missing.sum() + extra.sum()))


def _jpeg_base64(image_bgr: NDArray[np.uint8]) -> str:
    factor = min(1.0, _LONGEST_SIDE / max(image_bgr.shape[:2]))
    small = cv2.resize(image_bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else image_bgr
    encoded, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert encoded
    return base64.b64encode(data.tobytes()).decode()
