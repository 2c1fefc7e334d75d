"""YOLO-FastestV2 with the published weights: its quantised ONNX and CoreML artefacts, their size and their equality."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest
from ncnn_int8 import Captured, cosine
from onnx_int8 import operations
from quantising import plan_for, quantised
from shared_material import SHARED, needs_shared

from edgewright_export.capture import capture, runnable
from edgewright_export.manifest import Precision
from edgewright_train.importers import import_checkpoint
from edgewright_train.inference import preprocess_of

WEIGHTS = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
IMAGES = SHARED / "data" / "coco_train2017_128"


@pytest.fixture(scope="module")
def source() -> Captured:
    """With 16 images, for ranges."""
    found = import_checkpoint("yolo-fastestv2", WEIGHTS, task="detect", size_wh=None)
    architecture, preprocess = found.header.architecture, preprocess_of(found.header)
    network = architecture.build(len(found.header.labels))
    network.load_state_dict(found.tensors)
    exported = capture(architecture.deploy(network.eval()), found.header.width, found.header.height)
    paths = sorted(IMAGES.rglob("*.jpg"))[:16]
    images = np.stack([preprocess.network_image(np.asarray(cv2.imread(str(path)), np.uint8)) for path in paths])
    return Captured(exported, runnable(exported), architecture.output_names, preprocess, images)


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize(
    ("target", "precision", "most_bytes"),
    [
        ("onnx", "int8", 365_000),
        ("coreml", "int8", 460_000),
        ("coreml", "w8", 460_000),
        ("coreml", "palette8", 420_000),
        ("coreml", "palette6", 330_000),
    ],
)
def test_the_artefact_equals_the_reference_and_is_small(
    source: Captured, tmp_path_factory: pytest.TempPathFactory, target: str, precision: Precision, most_bytes: int
) -> None:
    plan = plan_for(source, target, precision)  # type: ignore[arg-type]
    made = quantised(source, plan, precision, tmp_path_factory.mktemp(target) / precision)
    assert sum(len(content) for content in made.contents().values()) <= most_bytes
    if plan.target == "onnx":
        integers = operations(onnx.load(made.folder / made.artefact.entry), tmp_path_factory.mktemp("optimised"))
        assert integers["QLinearConv"] == len(plan.layers)
    some = replace(made, source=replace(source, images=source.images[:4]))
    for computed, expected in zip(some.computed(), some.expected(), strict=True):
        assert all(cosine(computed[name], expected[name]) > 0.99999 for name in expected)
