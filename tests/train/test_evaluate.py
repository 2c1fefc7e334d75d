"""A detector is measured on every image once."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared

from edgewright_train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edgewright_train.data.dataset import Annotation
from edgewright_train.data.resolve import open_split
from edgewright_train.errors import InputError
from edgewright_train.importers import import_checkpoint
from edgewright_train.inference import decode_of, preprocess_of, torch_run
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.detect.detector import detector
from edgewright_train.tasks.detect.evaluate import Predict, evaluate
from edgewright_train.tasks.detect.yolo_fastestv2 import YoloFastestV2Decode


@dataclasses.dataclass(frozen=True)
class Memory:
    """A data set held in memory."""

    images: Sequence[NDArray[np.uint8]]
    boxes_xyxy: Sequence[Sequence[Sequence[float]]]
    name: str = "memory"
    labels: tuple[str, ...] = ("thing",)
    fingerprint: str = "0" * 64

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.images[index]

    def annotation(self, index: int) -> Annotation:
        boxes = np.array(self.boxes_xyxy[index], np.float32).reshape(-1, 4)
        height, width = self.images[index].shape[:2]
        return Annotation(
            image_id=index,
            width=width,
            height=height,
            boxes_xyxy=boxes,
            class_indices=np.zeros(len(boxes), np.int64),
            is_crowd=np.zeros(len(boxes), bool),
            areas_px=(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
        )

    def source(self, index: int) -> str:
        return f"image {index}"


def find_white(image_bgr: NDArray[np.uint8]) -> Detections:
    """The bounding box of the white pixels."""
    rows, columns = np.nonzero(image_bgr[..., 0] == 255)
    if not len(rows):
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    return Detections(box, np.ones(1, np.float32), np.zeros(1, np.int64))


def white_squares(count: int) -> Memory:
    images, boxes = [], []
    for index in range(count):
        image = np.zeros((60, 80, 3), np.uint8)
        image[5 + index : 35, 10:40] = 255
        images.append(image)
        boxes.append([[10, 5 + index, 40, 35]])
    return Memory([*images, np.zeros((20, 30, 3), np.uint8)], [*boxes, []])


def test_a_detector_that_finds_everything_scores_one_and_reports_progress() -> None:
    seen: list[tuple[int, int]] = []
    result = evaluate(find_white, white_squares(4), progress=lambda done, total: seen.append((done, total)))
    assert result.metrics.ap == pytest.approx(1)
    assert seen == [(i, 5) for i in range(1, 6)]
    as_json = json.loads(json.dumps(result.as_json()))
    assert as_json["AP50"] == pytest.approx(1)
    assert as_json["AP50_voc_11_point"] == as_json["AP50_voc_all_point"] == 1
    assert as_json["images"] == 5
    assert as_json["seconds"] >= 0
    assert as_json["APl"] is None


def test_results_of_a_few_images_are_kept_from_first_to_last() -> None:
    samples = evaluate(find_white, white_squares(9)).samples
    assert [sample.index for sample in samples] == [0, 3, 6, 9]
    assert [len(sample.result) for sample in samples] == [1, 1, 1, 0]
    assert [sample.index for sample in evaluate(find_white, white_squares(1)).samples] == [0, 1]


def test_an_empty_data_set_is_refused() -> None:
    with pytest.raises(InputError, match="memory: no images"):
        evaluate(find_white, Memory([], []))


@pytest.fixture
def published(tmp_path: Path) -> Checkpoint:
    weights = SHARED / "weights/yolo-fastestv2/coco2017-0.241078ap-model.pth"
    imported = import_checkpoint("yolo-fastestv2", weights)
    save_checkpoint(tmp_path / "coco.safetensors", imported.tensors, imported.header)
    return load_checkpoint(tmp_path / "coco.safetensors")


def _detector(checkpoint: Checkpoint, *, score_threshold: float) -> Predict:
    decode = decode_of(checkpoint.header)
    assert isinstance(decode, YoloFastestV2Decode)
    run, preprocess = torch_run(checkpoint), preprocess_of(checkpoint.header)
    return detector(run, preprocess, decode, score_threshold=score_threshold, iou_threshold=0.4)


@needs_shared
def test_published_weights_reproduce_the_published_detections(published: Checkpoint) -> None:
    """Boxes of the source system at score 0.3, in pixels of its 352x352 input."""
    predict = _detector(published, score_threshold=0.3)
    images = np.load(SHARED / "fixtures/yolo-fastestv2/yfv2_images_352.npz")
    reference = json.loads((SHARED / "fixtures/yolo-fastestv2/yfv2_detections.json").read_text())["images"]
    for name in images:
        expected = sorted(reference[f"{name}.jpg"]["conf_0p3"], key=lambda d: -d["score"])
        found = predict(images[name])
        assert [int(c) for c in found.class_indices] == [d["cls"] for d in expected]
        np.testing.assert_allclose(found.scores, [d["score"] for d in expected], atol=1e-4)
        boxes = np.clip([[d[k] for k in ("x1", "y1", "x2", "y2")] for d in expected], 0, 352)
        np.testing.assert_allclose(found.boxes_xyxy, boxes, atol=1e-2)


@pytest.mark.slow
@needs_shared
def test_published_weights_reach_their_accuracy_on_real_images(published: Checkpoint) -> None:
    dataset = open_split(str(SHARED / "data/coco_val2017_dev"), "val")
    metrics = evaluate(_detector(published, score_threshold=0.001), dataset).metrics
    assert metrics.ap50 == pytest.approx(0.3205, abs=0.001)
    assert metrics.ap == pytest.approx(0.175, abs=0.001)
