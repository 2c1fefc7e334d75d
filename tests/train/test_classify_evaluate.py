"""A classifier is measured by the metric that fits what it says of an image."""

import dataclasses
import json

import numpy as np
import pytest

from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.errors import CheckError, InputError
from edgewright_train.tasks.classify.decode import Classification, ClassifyDecode
from edgewright_train.tasks.classify.evaluate import evaluate, score
from edgewright_train.tasks.evaluate import evaluate_run
from edgewright_train.vision.preprocess import Preprocess

PREPROCESS = Preprocess(
    width=16, height=8, colour_order="bgr", resize="stretch", interpolation="linear", mean=(0, 0, 0), scale=(1, 1, 1)
)
SOFTMAX, SIGMOID = (ClassifyDecode(output="logits", activation=kind) for kind in ("softmax", "sigmoid"))


@dataclasses.dataclass(frozen=True)
class Memory:
    """A data set held in memory; channel c of an image is bright when it shows class c."""

    classes: list
    multi_label: bool = False
    name: str = "memory"
    labels: tuple = ("blue", "green", "red")
    fingerprint: str = "0" * 64

    def __len__(self):
        return len(self.classes)

    def image(self, index):
        image = np.zeros((12, 9, 3), np.uint8)
        image[..., list(self.classes[index])] = 200
        return image

    def class_indices(self, index):
        return self.classes[index]

    def source(self, index):
        return f"image {index}"


def channels(network_image):
    return {"logits": (network_image.mean((0, 1)) - 100).astype(np.float32)[:, None, None] / 10}


def test_one_class_per_image_is_measured_by_top_1():
    result = evaluate_run(channels, PREPROCESS, SOFTMAX, Memory([(0,), (2,), (2,)]))
    assert (result.headline.metric, result.headline.value) == ("top1", 1.0)
    as_json = json.loads(json.dumps(result.as_json()))
    assert list(as_json) == ["top1", "top5", "mean_class_accuracy", "images", "seconds", "classes"]
    assert as_json["classes"] == {
        "blue": {"top1": 1.0, "images": 1},
        "green": {"top1": None, "images": 0},
        "red": {"top1": 1.0, "images": 2},
    }


def test_several_classes_per_image_are_measured_by_f1():
    result = evaluate_run(channels, PREPROCESS, SIGMOID, Memory([(0, 2), (), (1,)], multi_label=True))
    assert (result.headline.metric, result.headline.value) == ("F1", 1.0)
    assert result.as_json()["macro_F1"] == 1.0


def test_a_multi_label_model_can_be_measured_on_images_of_one_class():
    assert evaluate_run(channels, PREPROCESS, SIGMOID, Memory([(1,), (0,)])).headline.value == 1.0


def test_a_model_of_one_class_is_not_measured_on_images_of_several():
    with pytest.raises(InputError, match=r"memory: its images may show several classes; .*exactly one \(softmax\)"):
        evaluate_run(channels, PREPROCESS, SOFTMAX, Memory([(0, 1)], multi_label=True))


def test_classifications_from_elsewhere_are_scored_in_order():
    results = [Classification(np.array(row, np.float32)) for row in ([0.9, 0.1, 0], [0.2, 0.5, 0.3])]
    result = score(results, Memory([(0,), (2,)]), multi_label=False, seconds=3)
    assert (result.headline.value, result.num_images, result.seconds) == (0.5, 2, 3)
    with pytest.raises(ValueError, match="zip"):
        score(results[:1], Memory([(0,), (2,)]), multi_label=False, seconds=3)


def test_an_empty_data_set_is_refused():
    with pytest.raises(InputError, match="memory: no images to evaluate on"):
        evaluate(lambda _: Classification(np.zeros(3, np.float32)), Memory([]), multi_label=False)


def test_data_without_classes_are_refused():
    with pytest.raises(InputError, match=r"shapes-val .*: has no classes of images, which this model is measured by"):
        evaluate_run(channels, PREPROCESS, SOFTMAX, ShapesDataset("val", count=1))


def test_a_network_that_gives_infinity_has_no_score():
    with pytest.raises(CheckError, match="output logits holds NaN or infinity"):
        evaluate_run(lambda _: {"logits": np.full((3, 1, 1), np.inf, np.float32)}, PREPROCESS, SOFTMAX, Memory([(0,)]))
