"""A segmenter is measured at the size of the stored masks."""

import dataclasses
import json

import numpy as np
import pytest

from edgewright_train.data.dataset import IGNORED
from edgewright_train.errors import CheckError, InputError
from edgewright_train.tasks.evaluate import evaluate_run
from edgewright_train.tasks.segment.decode import LabelMap, SegmentDecode
from edgewright_train.tasks.segment.evaluate import evaluate, score
from edgewright_train.vision.preprocess import Preprocess

PREPROCESS = Preprocess(
    width=16, height=8, colour_order="bgr", resize="stretch", interpolation="linear", mean=(0, 0, 0), scale=(1, 1, 1)
)


@dataclasses.dataclass(frozen=True)
class Memory:
    """A data set held in memory; the blue of a pixel is ten times its class."""

    masks: list
    name: str = "memory"
    labels: tuple = ("sky", "road", "car")
    fingerprint: str = "0" * 64

    def __len__(self):
        return len(self.masks)

    def image(self, index):
        return np.repeat(np.asarray(self.masks[index], np.uint8)[..., None] * 10, 3, 2)

    def label_map(self, index):
        return np.asarray(self.masks[index], np.uint8)

    def source(self, index):
        return f"image {index}"


def blocks(height, width):
    """Left half sky, right half road, with borders that 16x8 pixels can hold."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = 1
    return mask


def read_blue(image_bgr):
    return LabelMap((image_bgr[..., 0] // 10).astype(np.uint16))


def blue_network(network_image):
    return {"logits": -np.abs(network_image[..., 0][None] / 10 - np.arange(3)[:, None, None]).astype(np.float32)}


def test_a_perfect_segmenter_scores_one_and_reports_progress():
    seen = []
    result = evaluate(read_blue, Memory([blocks(6, 8), blocks(4, 4)]), progress=lambda *done: seen.append(done))
    assert (result.headline.metric, result.headline.value) == ("mIoU", 1.0)
    assert seen == [(1, 2), (2, 2)]
    as_json = json.loads(json.dumps(result.as_json()))
    assert as_json["images"] == 2
    assert as_json["classes"]["car"] == {"IoU": None, "pixels": 0}
    assert list(as_json) == ["mIoU", "pixel_accuracy", "images", "seconds", "classes"]


def test_a_network_is_run_at_its_own_size_and_compared_at_that_of_the_mask():
    dataset = Memory([blocks(64, 128), blocks(8, 16), blocks(4, 8)])
    result = evaluate_run(blue_network, PREPROCESS, SegmentDecode(output="logits"), dataset)
    assert result.as_json()["classes"]["sky"]["pixels"] == 64 * 64 + 8 * 8 + 4 * 4
    assert result.headline.value == pytest.approx(1, abs=0.02)


def test_label_maps_from_elsewhere_may_have_any_size():
    dataset = Memory([blocks(64, 128), np.full((3, 5), IGNORED)])
    result = score([read_blue(blocks(2, 2)[..., None] * 10), LabelMap(np.zeros((1, 1), np.uint16))], dataset, seconds=2)
    assert result.headline.value == 1
    assert result.seconds == 2
    with pytest.raises(ValueError, match="zip"):
        score([], dataset, seconds=0)


def test_an_empty_data_set_is_refused():
    with pytest.raises(InputError, match="memory: no images to evaluate on"):
        evaluate(read_blue, Memory([]))


def test_a_network_that_gives_nan_has_no_score():
    def broken(network_image):
        return {"logits": blue_network(network_image)["logits"] * np.nan}

    with pytest.raises(CheckError, match="output logits holds NaN"):
        evaluate_run(broken, PREPROCESS, SegmentDecode(output="logits"), Memory([blocks(8, 16)]))
