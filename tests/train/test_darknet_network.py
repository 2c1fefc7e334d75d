"""A network built from a cfg is darknet's: published weights and random ones give the recorded maps."""

import numpy as np
import pytest
import torch
from darknet_random import waves
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared
from torch import Tensor

from edgewright_train.darknet.cfg import read_cfg
from edgewright_train.darknet.network import DarknetNetwork, build_network
from edgewright_train.darknet.weights import read_weights

CFGS = SHARED / "weights" / "darknet"
FIXTURES = SHARED / "fixtures" / "darknet"
OPENCV_EPS = 1e-6


def assert_close(found: Tensor, expected: NDArray[np.float32], relative: float = 1e-4) -> None:
    assert found.shape == expected.shape
    assert np.abs(found.numpy() - expected).max() <= relative * np.abs(expected).max()


def published(name: str, *, bn_eps: float) -> DarknetNetwork:
    network = build_network(read_cfg(CFGS / f"{name}.cfg"), bn_eps=bn_eps)
    weights = read_weights(CFGS / f"{name}.weights", network.plan)
    network.load_state_dict(weights.tensors, strict=False)
    return network.eval()


@needs_shared
@pytest.mark.parametrize("name", ["yolo-fastest-1.1", "MobileNetV2-YOLO-Fastest-voc"])
def test_published_detectors_give_the_recorded_maps(name: str) -> None:
    recorded = np.load(FIXTURES / f"{name}.npz")
    network = published(name, bn_eps=OPENCV_EPS)
    with torch.no_grad():
        maps = network(waves(*recorded["input_hw"]))
    assert network.heads.task == "detect"
    for head, found in zip(network.heads.yolo, maps, strict=True):
        assert_close(found, recorded[f"synth/raw_conv_{head.output}"])


@needs_shared
@pytest.mark.parametrize(("bn_eps", "key"), [(OPENCV_EPS, "identity_22"), (1e-5, "logits_torch")])
def test_the_published_tiny_classifier_gives_the_recorded_scores(bn_eps: float, key: str) -> None:
    network = published("tiny", bn_eps=bn_eps)
    with torch.no_grad():
        (logits,) = network(waves(224, 224))
    assert network.heads.task == "classify"
    assert_close(logits.softmax(1) if key == "identity_22" else logits, np.load(FIXTURES / "tiny.npz")[f"synth/{key}"])
