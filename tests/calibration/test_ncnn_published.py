"""YOLO-FastestV2 with the published weights in int8 NCNN: as small as claimed, and equal to the reference."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from ncnn_int8 import Captured, Converted, converted, cosine, int8_plan
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared

from edgewright_calibration.layers import layers
from edgewright_calibration.plan import Plan
from edgewright_export.capture import capture, runnable
from edgewright_train.importers import import_checkpoint
from edgewright_train.inference import preprocess_of

pytestmark = needs_shared

NUM_CALIBRATION, NUM_COMPARED = 16, 4
MAX_BYTES = 300_000


@pytest.fixture(scope="module")
def calibration() -> Captured:
    torch.set_num_threads(1)
    published = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    found = import_checkpoint("yolo-fastestv2", published, task="detect", size_wh=None)
    header = found.header
    network = header.architecture.build(len(header.labels))
    network.load_state_dict(found.tensors)
    exported = capture(header.architecture.deploy(network.eval()), header.width, header.height)
    preprocess = preprocess_of(header)
    paths = sorted((SHARED / "data" / "coco_train2017_128").rglob("*.jpg"))[:NUM_CALIBRATION]
    images = np.stack([preprocess.network_image(_read(path)) for path in paths])
    return Captured(exported, runnable(exported), tuple(header.architecture.output_names), preprocess, images)


@pytest.fixture(scope="module")
def plan(calibration: Captured) -> Plan:
    return int8_plan(calibration)


@pytest.fixture(scope="module")
def compared(calibration: Captured) -> Captured:
    images = calibration.images[:NUM_COMPARED]
    return Captured(calibration.exported, calibration.graph, calibration.output_names, calibration.preprocess, images)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="module")
def all_int8(compared: Captured, plan: Plan, folder: Path) -> Converted:
    return converted(compared, plan, folder)


def test_all_in_int8_it_is_smaller_than_300_kb(all_int8: Converted) -> None:
    assert len(all_int8.plan.layers) == 76
    assert sum(path.stat().st_size for path in all_int8.folder.iterdir()) < MAX_BYTES


def test_with_depthwise_layers_in_float_it_is_the_reference_and_still_smaller(
    compared: Captured, plan: Plan, folder: Path
) -> None:
    depthwise = {layer.name for layer in layers(compared.graph) if layer.depthwise}
    others = {name: found for name, found in plan.layers.items() if name not in depthwise}
    artefact = converted(compared, plan.model_copy(update={"layers": others}), folder)
    assert sum(path.stat().st_size for path in artefact.folder.iterdir()) < MAX_BYTES
    assert _worst_cosine(artefact, packing=True) >= 0.9999


def test_all_in_int8_it_is_the_reference_where_kernels_divide_exactly(all_int8: Converted) -> None:
    """Those of x86 that take 8 channels at a time do not, in depthwise layers."""
    assert _worst_cosine(all_int8, packing=False) >= 0.9999


def _worst_cosine(artefact: Converted, *, packing: bool) -> float:
    pairs = zip(artefact.computed(packing=packing), artefact.expected(), strict=True)
    return min(cosine(computed[name], value) for computed, expected in pairs for name, value in expected.items())


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    assert image is not None
    return image.astype(np.uint8)
