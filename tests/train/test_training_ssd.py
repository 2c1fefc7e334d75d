"""SSD's targets and loss are those of the source system, and stay finite where its own were not."""

from typing import Any

import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared
from torch import Tensor

from edgewright_train.models import architecture
from edgewright_train.models.ssd import priors_wh, strides
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.detect.ssd import CENTRE_VARIANCE, SIZE_VARIANCE, SsdDecode
from edgewright_train.tasks.detect.ssd_loss import SsdLoss, multibox_loss, multibox_targets
from edgewright_train.tasks.detect.ssd_match import match, priors_of

SETTINGS = SsdLoss(box=1.0, classification=1.0, match_iou=0.45, negatives=3.0)
GRIDS_300 = [(side, side) for side in (38, 19, 10, 5, 3, 1)]


@pytest.fixture(scope="module")
def priors() -> Tensor:
    decode = architecture("espnetv2-0.5", "detect").decode((300, 300), ())
    assert isinstance(decode, SsdDecode)
    return priors_of(decode, GRIDS_300)


@pytest.fixture(scope="module")
def fixture() -> Any:
    return np.load(SHARED / "fixtures/edgenets/ssd_match_loss.npz")


def centred(corners: np.ndarray) -> Tensor:
    boxes = torch.from_numpy(corners)
    return torch.cat(((boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]), 1)


def test_priors_stand_map_by_map_as_the_network_gives_them(priors: Tensor) -> None:
    assert priors.shape == (11640, 4)
    first_of_map_1 = 38 * 38 * 6
    np.testing.assert_allclose(priors[first_of_map_1 + 6, :2] * 300, [24, 8], rtol=1e-6)
    np.testing.assert_allclose(priors[first_of_map_1 : first_of_map_1 + 6, 2:], priors_wh(300, 300)[1], rtol=1e-6)
    assert strides(300, 300)[1] == (16.0, 16.0)


@needs_shared
def test_matches_and_offsets_equal_the_source(priors: Tensor, fixture: Any) -> None:
    labels, offsets = match(centred(fixture["gt_boxes"]), torch.from_numpy(fixture["gt_labels"]) - 1, priors, 0.45)
    np.testing.assert_array_equal(labels, fixture["labels"])
    np.testing.assert_allclose(offsets[labels > 0], fixture["locations"], rtol=1e-4, atol=1e-5)


@needs_shared
def test_the_loss_equals_the_source(priors: Tensor, fixture: Any) -> None:
    labels, wanted = match(centred(fixture["gt_boxes"]), torch.from_numpy(fixture["gt_labels"]) - 1, priors, 0.45)
    logits = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 11640, 21)).astype(np.float32))
    offsets = torch.from_numpy(np.random.default_rng(2).standard_normal((2, 11640, 4)).astype(np.float32))
    both = torch.stack((labels, labels.flip(0))), torch.stack((wanted, wanted.flip(0)))
    assert int((both[0] > 0).sum()) == int(fixture["npos"])
    loss = multibox_loss(offsets, logits, *both, SETTINGS)
    terms = [float(loss.terms["box"]), float(loss.terms["classification"])]
    np.testing.assert_allclose(terms, fixture["loss_reg_cls"], rtol=1e-5)


def test_every_object_is_learnt_by_some_prior_however_badly_it_fits(priors: Tensor) -> None:
    thin = torch.tensor([[0.5, 0.5, 0.9, 0.001], [0.1, 0.9, 0.004, 0.004]])
    labels, _ = match(thin, torch.tensor([3, 7]), priors, 0.45)
    assert sorted(labels[labels > 0].tolist()) == [4, 8]


def test_offsets_lead_back_to_the_box(priors: Tensor) -> None:
    box = torch.tensor([[0.4, 0.6, 0.3, 0.2]])
    labels, offsets = match(box, torch.tensor([0]), priors, 0.45)
    own, found = priors[labels > 0], offsets[labels > 0]
    assert len(own) > 1
    centres = found[:, :2] * CENTRE_VARIANCE * own[:, 2:] + own[:, :2]
    sides = (found[:, 2:] * SIZE_VARIANCE).exp() * own[:, 2:]
    np.testing.assert_allclose(torch.cat((centres, sides), 1), box.expand(len(own), 4), rtol=1e-5)


def test_a_network_that_has_learnt_its_targets_detects_the_objects(priors: Tensor) -> None:
    boxes = torch.tensor([[0.3, 0.4, 0.2, 0.3], [0.7, 0.6, 0.5, 0.6], [0.1, 0.9, 0.06, 0.05]])
    labels, offsets = match(boxes, torch.tensor([2, 0, 1]), priors, 0.45)
    logits = 20.0 * torch.nn.functional.one_hot(labels, 4)
    outputs, first = {}, 0
    for number, (rows, columns) in enumerate(GRIDS_300):
        rest = slice(first, first := first + rows * columns * 6)
        parts = [part[rest].view(rows, columns, -1).permute(2, 0, 1) for part in (offsets, logits)]
        outputs[f"map{number}"] = torch.cat(parts).float().numpy()
    decode = architecture("espnetv2-0.5", "detect").decode((300, 300), ())
    assert isinstance(decode, SsdDecode)
    found = detect(outputs, decode)
    order = np.argsort(found.class_indices)
    corners = torch.cat((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), 1) * 300
    assert found.class_indices[order].tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.boxes_xyxy[order], corners[[1, 2, 0]], atol=0.01)


def test_a_batch_without_objects_has_no_loss_and_a_finite_gradient(priors: Tensor) -> None:
    labels, wanted = multibox_targets(torch.zeros(0, 6), priors, 2, 0.45)
    offsets, logits = torch.zeros(2, 11640, 4, requires_grad=True), torch.randn(2, 11640, 4, requires_grad=True)
    loss = multibox_loss(offsets, logits, labels, wanted, SETTINGS)
    loss.total.backward()
    assert float(loss.total.detach()) == 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_three_negatives_learn_beside_each_match_in_its_own_image() -> None:
    labels = torch.zeros(2, 100, dtype=torch.int64)
    labels[0, :5] = 1
    logits = torch.randn(2, 100, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    multibox_loss(torch.zeros(2, 100, 4), logits, labels, torch.zeros(2, 100, 4), SETTINGS).total.backward()
    assert logits.grad is not None
    learns = logits.grad.abs().sum(2) > 0
    assert learns.sum(1).tolist() == [20, 0]
    least = logits.detach().softmax(2)[0, :, 0]
    assert least[5:][learns[0, 5:]].max() <= least[5:][~learns[0, 5:]].min()
