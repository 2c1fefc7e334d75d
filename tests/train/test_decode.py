"""Detections are those of the published pipeline, and suppression keeps its promises."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.checkpoint import Checkpoint, Header
from edgewright_train.inference import decode_of, torch_run
from edgewright_train.models import architecture
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.detect.nms import nms
from edgewright_train.vision.placement import stretched

ARCH = architecture("yolo-fastestv2")
HEADER = Header(
    model="yolo-fastestv2",
    labels=tuple(f"class_{index}" for index in range(80)),
    anchors_px=ARCH.default_anchors_px,
    width=352,
    height=352,
)


@needs_shared
@pytest.mark.parametrize(("key", "threshold"), [("conf_0p3", 0.3), ("conf_0p01", 0.01)])
def test_detections_are_those_of_the_published_pipeline(key: str, threshold: float) -> None:
    network = ARCH.build(80)
    weights = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    network.load_state_dict(torch.load(weights, "cpu", weights_only=True))
    run, decode = torch_run(Checkpoint(network.eval(), HEADER)), decode_of(HEADER)
    fixtures = SHARED / "fixtures" / "yolo-fastestv2"
    expected = json.loads((fixtures / "yfv2_detections.json").read_text())["images"]
    for name, image in np.load(fixtures / "yfv2_images_352.npz").items():
        found = detect(run(image), decode, score_threshold=threshold)
        wanted = expected[f"{name}.jpg"][key]
        assert found.class_indices.tolist() == [d["cls"] for d in wanted]
        boxes = [[d["x1"], d["y1"], d["x2"], d["y2"]] for d in wanted]
        np.testing.assert_allclose(found.boxes_xyxy, boxes, atol=1e-3)
        np.testing.assert_allclose(found.scores, [d["score"] for d in wanted], atol=1e-5)


@st.composite
def candidates(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    corner = rng.uniform(0, 60, (count, 2)).astype(np.float32)
    boxes = np.hstack((corner, corner + rng.uniform(1, 40, (count, 2)).astype(np.float32)))
    scores = rng.choice(np.float32([0.1, 0.5, 0.7, 0.9]), count)  # ties on purpose
    return boxes, scores, rng.integers(0, 3, count)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inter = float(np.prod(np.maximum(high - low, 0)))
    return inter / (float(np.prod(a[2:] - a[:2])) + float(np.prod(b[2:] - b[:2])) - inter)


@given(candidates())
def test_suppression_keeps_the_best_and_every_suppressed_box_has_a_reason(
    given_boxes: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    boxes, scores, classes = given_boxes
    kept = nms(boxes, scores, classes, np.float32(0.4), 100)
    assert len(set(kept.tolist())) == len(kept)
    assert np.all(np.diff(scores[kept]) <= 0)
    for index in set(range(len(scores))) - set(kept.tolist()):
        rivals = [k for k in kept if classes[k] == classes[index] and scores[k] >= scores[index]]
        assert any(iou(boxes[k], boxes[index]) > 0.4 - 1e-5 for k in rivals)
    for position, first in enumerate(kept):
        for second in kept[position + 1 :]:
            assert classes[first] != classes[second] or iou(boxes[first], boxes[second]) <= 0.4 + 1e-5
    np.testing.assert_array_equal(nms(boxes[kept], scores[kept], classes[kept], np.float32(0.4), 100), range(len(kept)))


def test_equal_scores_go_by_position_and_the_limit_holds() -> None:
    boxes = np.float32([[0, 0, 10, 10], [100, 0, 110, 10], [200, 0, 210, 10]])
    kept = nms(boxes, np.float32([0.5, 0.5, 0.9]), np.zeros(3, np.int64), np.float32(0.4), 2)
    assert kept.tolist() == [2, 0]


def test_boxes_scale_to_the_source_and_stay_inside_it() -> None:
    found = Detections(np.float32([[-5, 10, 50, 400]]), np.float32([0.5]), np.array([0]))
    scaled = found.to_source(stretched((352, 352), (704, 176)))
    np.testing.assert_allclose(scaled.boxes_xyxy, [[0, 5, 100, 176]])
