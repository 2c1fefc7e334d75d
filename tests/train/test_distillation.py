"""Learning from another network: its answers where they can be compared, its boxes where labels are missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from training_runs import run_folder, train, write_cfg, write_recipe

from edgewright_train.checkpoint import Header, load_checkpoint
from edgewright_train.errors import InputError
from edgewright_train.inference import decode_of, preprocess_of, torch_run
from edgewright_train.tasks.detect.detector import detector
from edgewright_train.tasks.distillation import (
    Distillation,
    sigmoid_distillation,
    softmax_distillation,
    with_taught_boxes,
)
from edgewright_train.training.teacher import teacher_of

SETTINGS = Distillation(weight=1.0, temperature=2.0)


@pytest.mark.parametrize("compare", [softmax_distillation, sigmoid_distillation])
def test_who_answers_as_the_teacher_does_has_nothing_to_learn(compare: Any) -> None:
    logits = torch.randn(5, 4)
    assert float(compare(logits, logits, SETTINGS)) == pytest.approx(0, abs=1e-6)
    assert float(compare(logits + torch.randn(5, 4), logits, SETTINGS)) > 0.01


def test_a_softmax_may_be_shifted_by_a_constant() -> None:
    logits = torch.randn(5, 4, 3, 3)
    assert float(softmax_distillation(logits + 3, logits, SETTINGS)) == pytest.approx(0, abs=1e-5)


def test_the_gradient_at_a_high_temperature_does_not_vanish() -> None:
    """Hinton et al.: the square of the temperature keeps it comparable to that of the labels."""
    sizes = []
    for heat in (1.0, 20.0):
        logits = torch.tensor([[0.5, -0.2, 0.1]], requires_grad=True)
        loss = softmax_distillation(logits, torch.tensor([[0.1, 0.3, -0.4]]), Distillation(temperature=heat))
        loss.backward()
        assert logits.grad is not None
        sizes.append(float(logits.grad.norm()))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.2)


def rows(*values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).reshape(-1, 6)


def test_boxes_are_added_only_where_nothing_of_that_kind_is_labelled() -> None:
    labelled = rows((0, 1, 0.5, 0.5, 0.2, 0.2))
    same_object = rows((0, 1, 0.51, 0.5, 0.2, 0.2))
    other_class, other_image = rows((0, 2, 0.5, 0.5, 0.2, 0.2)), rows((1, 1, 0.5, 0.5, 0.2, 0.2))
    elsewhere = rows((0, 1, 0.8, 0.8, 0.2, 0.2))
    found = with_taught_boxes(labelled, torch.cat((same_object, other_class, other_image, elsewhere)))
    assert torch.equal(found, torch.cat((labelled, other_class, other_image, elsewhere)))
    assert torch.equal(with_taught_boxes(labelled, rows()), labelled)
    assert torch.equal(with_taught_boxes(rows(), labelled), labelled)


def shared(folder: Path, base: str, name: str, **changes: Any) -> tuple[Path, Path]:
    """(recipe, checkpoint) of a training of seconds."""
    recipe = write_recipe(folder, base, **changes)
    assert train(folder, recipe, name=name) == 0
    return recipe, run_folder(folder, name).best


def test_a_classifier_learns_another_networks_answers(tmp_path: Path) -> None:
    _, teacher = shared(tmp_path, "classify-shapes", "teacher", model="shufflenetv2-0.5")
    apart = {}
    for weight in (0.0, 20.0):
        recipe = write_recipe(tmp_path, "classify-shapes", model="espnetv2-0.5", size_wh=(32, 32), teacher=str(teacher),
                              epochs=12, optimizer__learning_rate=0.01, distillation__weight=weight)  # fmt: skip
        assert train(tmp_path, recipe, name=f"learner-{weight}") == 0
        apart[weight] = _distance(run_folder(tmp_path, f"learner-{weight}").best, teacher)
    assert apart[20.0] < 0.9 * apart[0.0]


def _distance(learner: Path, teacher: Path) -> float:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    answers = []
    for path in (learner, teacher):
        checkpoint = load_checkpoint(path)
        network_image = preprocess_of(checkpoint.header).network_image(pixels)
        answers.append(next(iter(torch_run(checkpoint)(network_image).values())).reshape(-1))
    chances = [np.exp(answer - answer.max()) / np.exp(answer - answer.max()).sum() for answer in answers]
    return float(np.abs(chances[0] - chances[1]).sum())


@pytest.mark.parametrize(
    ("base", "teacher", "learner"),
    [
        ("segment-shapes", {"model": "dicenet-0.2"}, {"model": "espnetv2-0.5"}),
        ("yolo-fastestv2-shapes", {}, {}),
    ],
)
def test_segmenters_and_detectors_train_with_a_teacher(base: str, teacher: Any, learner: Any, tmp_path: Path) -> None:
    _, best = shared(tmp_path, base, "teacher", epochs=1, **teacher)
    recipe = write_recipe(tmp_path, base, epochs=1, **learner)
    assert train(tmp_path, recipe, f"--teacher={best}", name="learner") == 0


def test_a_detectors_boxes_are_taught_where_it_sees_them(tmp_path: Path) -> None:
    cfg = str(write_cfg(tmp_path))
    _, best = shared(tmp_path, "yolo-shapes", "teacher", cfg=cfg, model="")
    checkpoint = load_checkpoint(best)
    header = checkpoint.header
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    teacher = teacher_of(best, header, Distillation(score=0.001))
    taught = teacher.targets(images, torch.zeros(0, 6))
    predict = detector(torch_run(checkpoint), preprocess_of(header), decode_of(header), score_threshold=0.001)  # type: ignore[arg-type]
    found = [predict(np.ascontiguousarray(image.permute(1, 2, 0).numpy())) for image in images]
    assert len(taught) == sum(map(len, found)) > 0
    corners = torch.cat((taught[:, 2:4] - taught[:, 4:] / 2, taught[:, 2:4] + taught[:, 4:] / 2), 1) * 64
    np.testing.assert_allclose(corners, np.concatenate([each.boxes_xyxy for each in found]), atol=1e-4)
    assert taught[:, 1].tolist() == [float(index) for each in found for index in each.class_indices]


def test_a_teacher_of_something_else_is_refused(tmp_path: Path) -> None:
    _, best = shared(tmp_path, "classify-shapes", "teacher", model="shufflenetv2-0.5", epochs=1)
    header: Header = load_checkpoint(best).header
    with pytest.raises(InputError, match=r"TEACHER=.*is for the task classify, the training is of detect"):
        teacher_of(best, header.model_copy(update={"task": "detect"}), SETTINGS)
    with pytest.raises(InputError, match=r"TEACHER=.*knows the classes .*the data have \('a', 'b'\)"):
        teacher_of(best, header.model_copy(update={"labels": ("a", "b")}), SETTINGS)
    recipe = write_recipe(tmp_path, epochs=1)
    assert train(tmp_path, recipe, f"--teacher={best}", name="learner") == 2
