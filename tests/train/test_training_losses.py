"""The losses of classifiers and segmenters: what counts, by how much, and that nothing else does."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from edgewright_train.checkpoint import Header
from edgewright_train.data.dataset import IGNORED
from edgewright_train.errors import InputError
from edgewright_train.tasks.classify.loss import ClassifyLoss, sigmoid_loss, softmax_loss
from edgewright_train.tasks.objective import objective_of
from edgewright_train.tasks.segment.loss import SegmentLoss, pixel_loss

PLAIN = SegmentLoss(class_weights=(), dice=0.0)
DICE = SegmentLoss(class_weights=(), dice=1.0)


def logits_and_masks(num_classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, num_classes, 6, 8, generator=rng).requires_grad_()
    masks = torch.randint(0, num_classes, (2, 6, 8), generator=rng, dtype=torch.uint8)
    masks[0, :3] = IGNORED
    return logits, masks


def certain(masks: torch.Tensor, num_classes: int = 4) -> torch.Tensor:
    """Logits that leave no doubt."""
    return 100.0 * F.one_hot(masks.long() % num_classes, num_classes).movedim(3, 1)


def test_one_class_per_image_is_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    loss = softmax_loss(logits, torch.tensor([0, 2]), ClassifyLoss(label_smoothing=0.0))
    by_hand = (-2 + np.log(np.exp([2, 0, -1]).sum()) + np.log(3)) / 2
    assert float(loss.total) == pytest.approx(by_hand, rel=1e-6)
    assert loss.terms["classification"] is loss.total


def test_smoothing_makes_boundless_certainty_wrong() -> None:
    truth, settings = torch.tensor([1]), ClassifyLoss(label_smoothing=0.1)
    sure, surer = (softmax_loss(torch.tensor([[0.0, x, 0.0]]), truth, settings).total for x in (3.0, 30.0))
    assert float(surer) > float(sure)
    shown = torch.tensor([[0.0, 1.0, 0.0]])
    sure, surer = (sigmoid_loss(x * (2 * shown - 1), shown, settings).total for x in (3.0, 30.0))
    assert float(surer) > float(sure)


def test_several_classes_per_image_are_judged_one_by_one() -> None:
    logits, shown = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    loss = sigmoid_loss(logits, shown, ClassifyLoss(label_smoothing=0.0))
    p = 1 / (1 + np.exp(-logits.numpy()))
    by_hand = -np.log(np.where(shown.numpy() > 0, p, 1 - p)).mean()
    assert float(loss.total) == pytest.approx(float(by_hand), rel=1e-6)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 0.5, 3.0, 0.0])])
def test_pixels_are_weighted_by_their_class_and_ignored_ones_do_not_count(weights: torch.Tensor | None) -> None:
    logits, masks = logits_and_masks()
    loss = pixel_loss(logits, masks, weights, PLAIN)
    expected = F.cross_entropy(logits, masks.long(), weights, ignore_index=IGNORED)
    assert float(loss.total.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    loss.total.backward()
    assert logits.grad is not None
    assert float(logits.grad[0, :, :3].abs().max()) == 0
    assert float(logits.grad[0, :, 3:].abs().max()) > 0


@pytest.mark.parametrize("settings", [PLAIN, DICE], ids=["plain", "dice"])
def test_a_batch_that_nobody_labelled_has_no_loss_and_a_finite_gradient(settings: SegmentLoss) -> None:
    logits, masks = logits_and_masks()
    loss = pixel_loss(logits, torch.full_like(masks, IGNORED), torch.ones(4), settings)
    loss.total.backward()
    assert float(loss.total.detach()) == 0
    assert logits.grad is not None
    assert float(logits.grad.abs().max()) == 0


def test_a_smaller_output_learns_the_nearest_pixels() -> None:
    masks = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]], dtype=torch.uint8)
    small = torch.tensor([[[0, 1], [2, 3]]], dtype=torch.uint8)
    logits = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pixel_loss(logits, masks, None, PLAIN).total, pixel_loss(logits, small, None, PLAIN).total)


def test_dice_is_nothing_for_the_truth_and_everything_for_its_opposite() -> None:
    _, masks = logits_and_masks()
    right = pixel_loss(certain(masks), masks, None, DICE).terms["dice"]
    wrong = pixel_loss(certain(masks + 1), masks, None, DICE).terms["dice"]
    assert float(right) == pytest.approx(0, abs=1e-6)
    assert float(wrong) == pytest.approx(1, abs=1e-6)


def test_dice_weighs_a_class_of_one_pixel_like_one_of_many() -> None:
    masks = torch.zeros(1, 10, 10, dtype=torch.uint8)
    masks[0, 0, 0] = 1
    blind = pixel_loss(certain(torch.zeros_like(masks)), masks, None, DICE).terms["dice"]
    assert float(blind) == pytest.approx(0.5, abs=0.01)


def test_terms_add_up() -> None:
    logits, masks = logits_and_masks()
    loss = pixel_loss(logits, masks, None, SegmentLoss(class_weights=(), dice=0.7))
    assert float(loss.total.detach()) == pytest.approx(sum(float(term.detach()) for term in loss.terms.values()))
    assert float(loss.terms["dice"].detach()) == pytest.approx(
        0.7 * float(pixel_loss(logits, masks, None, DICE).terms["dice"].detach())
    )


def test_weights_for_other_classes_than_those_of_the_data_are_refused() -> None:
    header = Header(
        model="dicenet-0.2", task="segment", labels=("sky", "road", "car"), anchors_px=(), width=64, height=64
    )
    with pytest.raises(InputError, match=r"loss\.class_weights: 2 weights for the 3 classes sky, road, car"):
        objective_of(header, SegmentLoss(class_weights=(1.0, 2.0), dice=0.0))
