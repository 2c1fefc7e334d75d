"""The network is the published one, at every size and class count."""

import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared

from edgewright_train.models.yolo_fastestv2 import Backbone, Deployed, YoloFastestV2

FIXTURES = SHARED / "fixtures" / "yolo-fastestv2"
WEIGHTS = SHARED / "weights" / "yolo-fastestv2"
MAPS = ("reg_s16", "obj_s16", "cls_s16", "reg_s32", "obj_s32", "cls_s32")


def published() -> YoloFastestV2:
    network = YoloFastestV2(80).eval()
    network.load_state_dict(torch.load(WEIGHTS / "coco2017-0.241078ap-model.pth", "cpu", weights_only=True))
    return network


@needs_shared
@pytest.mark.parametrize("name", ["yfv2_coco_raw", "yfv2_coco_raw_b2_96x160"])
def test_raw_maps_are_those_of_the_published_network(name: str) -> None:
    expected = np.load(FIXTURES / f"{name}.npz")
    with torch.no_grad():
        maps = published()(torch.from_numpy(expected["input"]).float())
    for key, value in zip(MAPS, maps, strict=True):
        np.testing.assert_allclose(value.numpy(), expected[key], atol=1e-5, rtol=0)


@needs_shared
def test_the_deployed_form_is_the_published_export_form() -> None:
    expected = np.load(FIXTURES / "yfv2_coco_export_b2_96x160.npz")
    with torch.no_grad():
        maps = Deployed(published())(torch.from_numpy(expected["input"]).float())
    for key, value in zip(("out_s16", "out_s32"), maps, strict=True):
        np.testing.assert_allclose(value.permute(0, 2, 3, 1).numpy(), expected[key], atol=1e-5, rtol=0)


@needs_shared
def test_backbone_features_are_those_of_the_published_backbone() -> None:
    expected = np.load(FIXTURES / "yfv2_backbone.npz")
    backbone = Backbone().eval()
    backbone.load_state_dict(torch.load(WEIGHTS / "backbone.pth", "cpu", weights_only=True))
    with torch.no_grad():
        c2, c3 = backbone(torch.from_numpy(expected["input"]).float())
    np.testing.assert_allclose(c2.numpy(), expected["stage3"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(c3.numpy(), expected["stage4"], atol=1e-5, rtol=0)


@needs_shared
def test_parameters_have_the_published_names_in_the_published_order() -> None:
    names = [line.split("\t")[0] for line in (SHARED / "fixtures" / "keys" / "yfv2_coco.txt").read_text().splitlines()]
    assert list(YoloFastestV2(80).state_dict()) == names


@pytest.mark.parametrize(("num_classes", "num_parameters"), [(80, 243_095), (20, 238_715), (1, 237_328)])
def test_the_number_of_parameters_is_that_of_the_specification(num_classes: int, num_parameters: int) -> None:
    assert sum(p.numel() for p in YoloFastestV2(num_classes).parameters()) == num_parameters


@pytest.mark.parametrize("size_hw", [(32, 32), (64, 352), (160, 96)])
def test_any_multiple_of_32_gives_maps_at_stride_16_and_32(size_hw: tuple[int, int]) -> None:
    height, width = size_hw
    with torch.no_grad():
        maps = Deployed(YoloFastestV2(5).eval())(torch.rand(2, 3, height, width))
    assert [tuple(value.shape) for value in maps] == [
        (2, 5 * 3 + 5, height // stride, width // stride) for stride in (16, 32)
    ]


def test_an_image_gives_the_same_maps_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    network, images = YoloFastestV2(3).eval(), torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        for together, alone in zip(network(images), network(images[1:2]), strict=True):
            torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=0)
