"""TensorBoard gets what an evaluation found: figures, curves and pictures, each once, however often it resumed."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import STORE_EVERYTHING_SIZE_GUIDANCE, EventAccumulator
from training_runs import run_folder, train, write_recipe

from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.data.shapes.outline import LABELS
from edgewright_train.tasks.classify.decode import Classification
from edgewright_train.tasks.classify.evaluate import score as score_classes
from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.sample import Sample
from edgewright_train.tasks.segment.decode import LabelMap
from edgewright_train.training.board import PICTURE_TAG, Board
from edgewright_train.training.evaluation_picture import evaluation_picture

SIDE = 96


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE).Reload()


def curve(board: EventAccumulator, label: str, step: int) -> np.ndarray:
    """(6, 101): right, wrong, rightly not found, missed, precision, recall."""
    (found,) = [event for event in board.Tensors(f"val/{label}") if event.step == step]
    return np.array(found.tensor_proto.float_val).reshape(6, 101)


class Memory:
    """One grey image for all tasks."""

    name = fingerprint = "memory"
    labels = ("cat", "dog")

    def __init__(self, *, multi_label: bool = False) -> None:
        self.multi_label = multi_label

    def __len__(self) -> int:
        return 1

    def image(self, index: int) -> np.ndarray:
        return np.full((SIDE, SIDE, 3), 128, np.uint8)

    def source(self, index: int) -> str:
        return "grey"

    def class_indices(self, index: int) -> tuple[int, ...]:
        return (1,)

    def label_map(self, index: int) -> np.ndarray:
        truth = np.zeros((SIDE, SIDE), np.uint8)
        truth[: SIDE // 2] = IGNORED
        return truth


def test_a_training_shows_figures_curves_and_pictures_at_each_evaluation(tmp_path: Path) -> None:
    assert train(tmp_path, write_recipe(tmp_path, evaluate_every=1)) == 0
    board = events(run_folder(tmp_path).tensorboard)
    assert [event.step for event in board.Scalars("train/loss")] == list(range(1, 9))
    assert [event.step for event in board.Scalars("val/AP50")] == [4, 8]
    assert [event.step for event in board.Images(PICTURE_TAG)] == [4, 8]
    picture = cv2.imdecode(np.frombuffer(board.Images(PICTURE_TAG)[0].encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[:2] == (board.Images(PICTURE_TAG)[0].height, board.Images(PICTURE_TAG)[0].width)
    data = ShapesDataset("val", size_wh=(64, 64), count=4)
    objects = np.concatenate([data.annotation(index).class_indices for index in range(4)])
    for index, label in enumerate(LABELS):
        right, _, _, missed, _, _ = curve(board, label, 8)
        assert (right + missed == (objects == index).sum()).all()


def test_what_came_after_the_step_of_a_resumed_training_is_taken_back(tmp_path: Path) -> None:
    data = Memory(multi_label=True)
    result = score_classes([Classification(np.array([0.2, 0.7], np.float32))], data, multi_label=True, seconds=1.0)
    for first, steps, evaluated in ((0, range(1, 7), 6), (4, range(5, 6), None)):
        with Board(tmp_path, first_step=first, val_set=data) as board:
            for step in steps:
                board.step(step, {"loss": 1.0 + first})
            if evaluated:
                board.evaluation(evaluated, {"F1": 1.0, "unknown": None}, result)
    found = events(tmp_path)
    assert [(event.step, event.value) for event in found.Scalars("train/loss")] == [
        (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 5.0),
    ]  # fmt: skip
    assert found.Scalars("val/F1") == []


def test_curves_of_a_classifier_have_the_images_that_rightly_are_not_found(tmp_path: Path) -> None:
    data = Memory(multi_label=True)
    result = score_classes([Classification(np.array([0.2, 0.7], np.float32))], data, multi_label=True, seconds=1.0)
    with Board(tmp_path, first_step=0, val_set=data) as board:
        board.evaluation(1, {}, result)
    found = events(tmp_path)
    right, wrong, rightly_not, missed, precision, recall = curve(found, "dog", 1)
    assert right.tolist() == recall.tolist() == precision.tolist() == [1.0] * 70 + [0.0] * 31  # 0.7 in float32 is less
    assert missed.tolist() == [0.0] * 70 + [1.0] * 31
    assert not wrong.any()
    assert not rightly_not.any()
    _, wrong, rightly_not, _, _, _ = curve(found, "cat", 1)
    assert wrong.tolist() == [1.0] * 21 + [0.0] * 80
    assert (wrong + rightly_not == 1).all()


@pytest.mark.parametrize(
    "result",
    [
        Classification(np.array([0.9, 0.1], np.float32)),
        LabelMap(np.eye(8, dtype=np.uint16)),
    ],
)
def test_truth_and_answer_stand_beside_each_other(result: Classification | LabelMap) -> None:
    picture = evaluation_picture(Memory(), [Sample(0, result)])
    left, right = picture[4:196, 4:196], picture[4:196, 200:392]
    assert picture.shape[1] == 4 * 3 + 2 * 192
    assert (left != right).any()
    assert (left == 128).any(), "what nothing is drawn on stays"
    assert (right != 128).any()


def test_only_detections_that_a_person_would_see_are_drawn() -> None:
    data = ShapesDataset("val", size_wh=(SIDE, SIDE), count=1)
    boxes, classes = np.array([[10, 10, 60, 60]], np.float32), np.zeros(1, np.int64)
    weak, strong = (
        evaluation_picture(data, [Sample(0, Detections(boxes, np.array([score], np.float32), classes))])
        for score in (0.29, 0.3)
    )
    assert weak.shape[1] == strong.shape[1]
    assert (weak[4:196, 4:196] == strong[4:196, 4:196]).all()
    assert (weak[4:196, 200:392] != strong[4:196, 200:392]).any()
