"""What is known of boxes and shapes is also known as classes of images and as masks."""

import numpy as np
import pytest
from shared_material import SHARED, needs_shared

from edgewright_train.data.dataset import Annotation
from edgewright_train.data.formats.file_dataset import FileDataset
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.data.views import ClassesOfBoxes


def test_generated_images_have_masks_with_a_background():
    dataset, boxes = open_split(None, "val", "segment"), open_split(None, "val")
    assert dataset.labels == ("background", *boxes.labels)
    for index in range(3):
        labels, annotation = dataset.label_map(index), boxes.annotation(index)
        np.testing.assert_array_equal(dataset.image(index), boxes.image(index))
        assert labels.shape == dataset.image(index).shape[:2]
        areas = np.bincount(annotation.class_indices + 1, annotation.areas_px, len(dataset.labels))
        areas[0] = labels.size - areas.sum()
        np.testing.assert_array_equal(np.bincount(labels.ravel(), minlength=len(areas)), areas)


def test_generated_images_are_of_the_shape_of_which_most_is_seen():
    dataset, boxes = open_split(None, "val", "classify"), open_split(None, "val")
    assert dataset.labels == boxes.labels
    assert not dataset.multi_label
    for index in range(20):
        annotation = boxes.annotation(index)
        assert dataset.class_indices(index) == (annotation.class_indices[annotation.areas_px.argmax()],)


def test_every_task_has_a_fingerprint_of_its_own():
    prints = {open_split(None, "val", task).fingerprint for task in ("detect", "classify", "segment")}
    assert len(prints) == 3
    assert ShapesDataset("val").fingerprint in prints


@pytest.mark.parametrize("task", ["detect", "classify", "segment"])
def test_the_generated_set_has_all_splits_for_every_task(task):
    assert list_splits(None, task) == ("train", "val", "test")
    assert len(open_split("generated", "test", task)) == 200


def test_an_image_shows_the_classes_of_its_boxes(tmp_path):
    def annotation(classes):
        return Annotation(
            image_id=0,
            width=8,
            height=8,
            boxes_xyxy=np.zeros((len(classes), 4), np.float32),
            class_indices=np.array(classes, np.int64),
            is_crowd=np.zeros(len(classes), bool),
            areas_px=np.zeros(len(classes), np.float32),
        )

    boxes = FileDataset("x", ("a", "b", "c"), [tmp_path] * 2, [annotation([2, 0, 2]), annotation([])])
    dataset = ClassesOfBoxes(boxes)
    assert dataset.multi_label
    assert [dataset.class_indices(index) for index in range(2)] == [(0, 2), ()]


@needs_shared
def test_coco_can_be_classified():
    dataset = open_split(str(SHARED / "data" / "coco_val2017_dev"), "val", "classify")
    assert (len(dataset), len(dataset.labels)) == (177, 80)
    assert sum(not dataset.class_indices(index) for index in range(177)) == 2
    assert len({k for index in range(177) for k in dataset.class_indices(index)}) == 75
