"""Assignment and loss are those of the source system, and stay finite where its own were not."""

import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared
from torch import Tensor

from edgewright_train.models.yolo_fastestv2 import COCO_ANCHORS_PX, STRIDES
from edgewright_train.tasks.detect.assign import assign
from edgewright_train.tasks.detect.loss import Gains, Loss, ciou, detection_loss

ANCHORS_PX = torch.tensor(COCO_ANCHORS_PX, dtype=torch.float64)
GAINS = Gains(box=3.2, objectness=64.0, classification=32.0)
CASES = ("rand", "edge", "oneclass", "notargets")


def loss_of(maps: list[Tensor], targets: Tensor) -> Loss:
    return detection_loss(maps, targets, ANCHORS_PX, STRIDES, GAINS)


def maps_for(logits: float, *, num_images: int = 1, num_classes: int = 3) -> list[Tensor]:
    channels = (12, 3, num_classes)
    return [
        torch.full((num_images, count, 352 // stride, 352 // stride), logits).requires_grad_()
        for stride in STRIDES
        for count in channels
    ]


@needs_shared
@pytest.mark.parametrize("case", CASES)
def test_matches_equal_the_source(case: str) -> None:
    fixture = np.load(SHARED / "fixtures/yolo-fastestv2/yfv2_loss.npz")
    targets = torch.from_numpy(fixture[f"{case}_targets"])
    for scale, stride in enumerate(STRIDES):
        found = assign(targets, ANCHORS_PX[scale] / stride, (352 // stride, 352 // stride))
        where = torch.stack((found.image, found.anchor, found.row, found.column), 1)
        np.testing.assert_array_equal(where, fixture[f"{case}_s{stride}_idx_b_a_gj_gi"])
        np.testing.assert_array_equal(found.boxes, fixture[f"{case}_s{stride}_tbox"])
        np.testing.assert_array_equal(found.class_indices, fixture[f"{case}_s{stride}_tcls"])
        np.testing.assert_array_equal(found.anchors, fixture[f"{case}_s{stride}_anch"])


@needs_shared
@pytest.mark.parametrize("case", CASES)
def test_loss_terms_and_gradients_equal_the_source(case: str) -> None:
    fixture = np.load(SHARED / "fixtures/yolo-fastestv2/yfv2_loss.npz")
    maps = [torch.from_numpy(fixture[f"{case}_pred{index}"]).requires_grad_() for index in range(6)]
    loss = loss_of(maps, torch.from_numpy(fixture[f"{case}_targets"]))
    terms = [float(term.detach()) for term in (loss.box, loss.objectness, loss.classification, loss.total)]
    np.testing.assert_allclose(terms, fixture[f"{case}_loss_box_obj_cls_total"], rtol=1e-6)
    loss.total.backward()
    for index, logits in enumerate(maps):
        gradient = torch.zeros_like(logits) if logits.grad is None else logits.grad
        np.testing.assert_allclose(gradient.flatten()[::7], fixture[f"{case}_grad{index}_s7"], atol=1e-7)
        assert float(gradient.abs().sum()) == pytest.approx(float(fixture[f"{case}_grad{index}_sum_abs"]), rel=1e-5)


def test_a_target_of_no_anchors_shape_matches_nothing() -> None:
    thin = torch.tensor([[0, 0, 0.5, 0.5, 0.9, 0.01]])
    for scale, stride in enumerate(STRIDES):
        assert len(assign(thin, ANCHORS_PX[scale] / stride, (22, 22))) == 0


def test_matched_cells_stay_on_a_map_that_is_not_square() -> None:
    rng = torch.Generator().manual_seed(0)
    targets = torch.rand(500, 6, generator=rng)
    targets[:, :2] = 0
    targets[:100, 2:4] = targets[:100, 2:4].round()  # centres on the very border
    for scale, stride in enumerate(STRIDES):
        found = assign(targets, ANCHORS_PX[scale] / stride, (20, 6))
        assert len(found) > 0
        assert int(found.column.max()) < 20
        assert int(found.row.max()) < 6
        assert int(torch.minimum(found.column, found.row).min()) >= 0
        # A centre is at most half a cell outside a cell that learns it.
        assert float(found.boxes[:, :2].min()) >= -0.5
        assert float(found.boxes[:, :2].max()) <= 1.5


def test_each_image_of_a_batch_gets_its_own_targets() -> None:
    targets = torch.tensor([[0, 1, 0.3, 0.4, 0.2, 0.2], [1, 2, 0.6, 0.7, 0.3, 0.3]])
    together = assign(targets, ANCHORS_PX[1] / 32, (11, 11))
    for image in (0, 1):
        alone = assign(targets[image : image + 1], ANCHORS_PX[1] / 32, (11, 11))
        assert torch.equal(alone.boxes, together.boxes[together.image == image])


def test_a_perfect_box_has_a_finite_loss_and_gradient() -> None:
    box = torch.tensor([[0.5, 0.5, 2.0, 3.0]], requires_grad=True)
    value = ciou(box, box.detach().clone())
    assert float(value.detach()) == 1.0
    value.sum().backward()
    assert box.grad is not None
    assert torch.isfinite(box.grad).all()


@pytest.mark.parametrize("logits", [-40.0, -5.0, 0.0, 40.0])
def test_saturated_outputs_have_a_finite_loss_and_gradient(logits: float) -> None:
    maps = maps_for(logits)
    loss = loss_of(maps, torch.tensor([[0, 1, 0.31, 0.47, 0.2, 0.25], [0, 2, 0.8, 0.2, 0.35, 0.6]]))
    loss.total.backward()
    assert torch.isfinite(loss.total)
    assert all(torch.isfinite(m.grad).all() for m in maps if m.grad is not None)


def test_repeating_a_batch_does_not_change_the_loss() -> None:
    target = torch.tensor([[0, 1, 0.31, 0.47, 0.2, 0.25]])
    twice = torch.cat((target, target + torch.eye(1, 6)))
    one, two = loss_of(maps_for(0.1), target), loss_of(maps_for(0.1, num_images=2), twice)
    assert float(one.total.detach()) == pytest.approx(float(two.total.detach()), rel=1e-6)
