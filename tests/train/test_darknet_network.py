"""A network built from a cfg is darknet's: published weights and random ones give the recorded maps."""

import numpy as np
import pytest
import torch
from darknet_random import random_weights, waves
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse

from edgewright_train.darknet.cfg import parse_cfg, read_cfg
from edgewright_train.darknet.heads import heads_of
from edgewright_train.darknet.network import DarknetNetwork, build_network
from edgewright_train.darknet.plan import plan_network
from edgewright_train.darknet.weights import num_floats, parse_weights, read_weights

CFGS = SHARED / "weights" / "darknet"
FIXTURES = SHARED / "fixtures" / "darknet"
OPENCV_EPS = 1e-6
LIGHTNET, LIGHTSEG = "lightNet-BDD100K-1280x960", "lightSeg-BDD100K-laneMarker-1280x960"
ALL_CFGS = ["yolo-fastest-1.1", "MobileNetV2-YOLO-Fastest-voc", "tiny", "darknet53", "yolov4-tiny", LIGHTNET, LIGHTSEG]


def assert_close(found: Tensor, expected: NDArray[np.float32], relative: float = 1e-4) -> None:
    assert found.shape == expected.shape
    assert np.abs(found.numpy() - expected).max() <= relative * np.abs(expected).max()


def published(name: str, *, bn_eps: float) -> DarknetNetwork:
    network = build_network(read_cfg(CFGS / f"{name}.cfg"), bn_eps=bn_eps)
    weights = read_weights(CFGS / f"{name}.weights", network.plan)
    network.load_state_dict({**network.state_dict(), **weights.tensors})
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


@needs_shared
@pytest.mark.parametrize("name", ["yolov4-tiny", LIGHTNET, LIGHTSEG, "darknet53"])
def test_random_weights_give_the_recorded_outputs(name: str) -> None:
    recorded = np.load(FIXTURES / f"rand-{name}.npz")
    height, width = map(int, recorded["hw"])
    network = build_network(read_cfg(CFGS / f"{name}.cfg"), width=width, height=height, bn_eps=OPENCV_EPS)
    bn_gain = float(recorded["bn_gain"]) if "bn_gain" in recorded else 1.0
    data = random_weights(network.plan, head_gain=float(recorded["head_gain"]), bn_gain=bn_gain)
    network.load_state_dict({**network.state_dict(), **parse_weights(data, network.plan, source=name).tensors})
    assert num_floats(network.plan) == recorded["n_floats"]
    with torch.no_grad():
        outputs = network.eval()(waves(height, width))
    if network.heads.task == "detect":
        for head, found in zip(network.heads.yolo, outputs, strict=True):
            assert_close(found, recorded[f"torch_raw_{head.layer}"])
    elif network.heads.task == "segment":
        assert_close(outputs[0], recorded["torch_out"])
    else:
        assert_close(outputs[0].softmax(1), recorded["cv2_softmax_77"])


# Trainable parameters, floats in a weights file, and 1e6 multiply-accumulates at the size of the cfg.
COUNTS = {
    "tiny": (1_042_104, 1_046_488, 491.5),
    "darknet53": (41_609_928, 41_645_640, 9285.1),
    LIGHTNET: (9_001_127, 9_021_415, 29006.4),
    LIGHTSEG: (6_023_785, 6_038_601, 22622.2),
}


@needs_shared
@pytest.mark.parametrize("name", sorted(COUNTS))
def test_parameters_and_operations_are_those_of_the_specifications(name: str) -> None:
    plan = plan_network(read_cfg(CFGS / f"{name}.cfg"))
    num_parameters, floats, million_macs = COUNTS[name]
    assert plan.num_parameters == num_parameters
    assert num_floats(plan) == floats
    assert round(plan.macs / 1e6, 1) == million_macs


@needs_shared
def test_heads_carry_the_data_that_decodes_them() -> None:
    yolov4_tiny = heads_of(plan_network(read_cfg(CFGS / "yolov4-tiny.cfg"))).yolo
    assert [head.strides_wh for head in yolov4_tiny] == [(32, 32), (16, 16)]
    assert yolov4_tiny[0].anchors_px == ((81, 82), (135, 169), (344, 319))
    assert yolov4_tiny[1].anchors_px == ((23, 27), (37, 58), (81, 82))
    assert {(head.num_classes, head.scale_x_y, head.new_coords) for head in yolov4_tiny} == {(80, 1.05, False)}
    lightnet = heads_of(plan_network(read_cfg(CFGS / f"{LIGHTNET}.cfg"))).yolo
    assert [head.strides_wh for head in lightnet] == [(8, 8), (16, 16), (32, 32)]
    assert {(head.num_classes, head.scale_x_y, head.new_coords) for head in lightnet} == {(10, 2.0, True)}


@needs_shared
@pytest.mark.parametrize("name", ALL_CFGS)
def test_planned_shapes_are_those_of_the_modules(name: str) -> None:
    with torch.device("meta"):
        network = build_network(read_cfg(CFGS / f"{name}.cfg")).eval()
        image = network.plan.image
        outputs = {-1: torch.empty(1, image.channels, image.height, image.width)}
        for layer, module in zip(network.plan.layers, network.layers, strict=True):
            outputs[layer.index] = module(*(outputs[source] for source in layer.sources))
            shape = layer.shape
            assert outputs[layer.index].shape == (1, shape.channels, shape.height, shape.width)
    slots = {slot.name: slot.shape for slot in network.plan.slots()}
    tensors = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if tensor.ndim}
    assert slots == tensors


@needs_shared
@pytest.mark.parametrize("name", ALL_CFGS)
def test_a_traced_and_folded_network_computes_the_same(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(read_cfg(CFGS / f"{name}.cfg"), width=64, height=32).eval()
    image = waves(32, 64)
    with torch.no_grad():
        expected = network(image)
        traced = fx.symbolic_trace(network)(image)
        folded = fuse(network)(image)
    for one, two, three in zip(expected, traced, folded, strict=True):
        assert torch.equal(one, two)
        torch.testing.assert_close(one, three, rtol=1e-3, atol=1e-5)


EVERY_TRAINED_SECTION = """
[net]
width=16
height=16
channels=3
[convolutional]
filters=8
size=3
pad=1
batch_normalize=1
activation=leaky
[maxpool]
size=2
stride=1
[dropout]
probability=.1
[avgpool]
[convolutional]
filters=8
activation=logistic
[scale_channels]
from=2
[convolutional]
filters=8
activation=logistic
[sam]
from=-2
[shortcut]
from=0
activation=mish
[maxpool]
size=2
stride=2
[upsample]
stride=2
[route]
layers=-1,-3
[route]
layers=-1
groups=2
group_id=1
[convolutional]
filters=14
activation=linear
[yolo]
anchors=1,2,3,4
num=2
classes=2
"""


def test_every_layer_that_is_trained_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = build_network(parse_cfg(EVERY_TRAINED_SECTION, source="x.cfg")).train()
    before = network.layers[0].norm.running_mean.clone()
    (found,) = network(torch.rand(2, 3, 16, 16))
    found.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
    assert not torch.equal(network.layers[0].norm.running_mean, before)


@pytest.mark.parametrize(("ending", "shape"), [("[avgpool]\n[softmax]\n", (2, 8, 1, 1)), (None, (2, 8, 16, 16))])
def test_classifiers_and_segmenters_are_trained_on_logits(ending: str | None, shape: tuple[int, ...]) -> None:
    first = EVERY_TRAINED_SECTION.partition("[maxpool]")[0]
    text = first + (ending or "[softmax]\ngroups=256\nstride=256\n")
    network = build_network(parse_cfg(text, source="x.cfg")).train()
    (logits,) = network(torch.rand(2, 3, 16, 16))
    assert logits.shape == shape
    nn.functional.cross_entropy(logits, torch.zeros(2, *shape[2:], dtype=torch.long)).backward()
    assert network.layers[0].conv.weight.grad.any()


def test_stopbackward_keeps_the_layers_before_it_as_they_are() -> None:
    text = EVERY_TRAINED_SECTION.replace("size=2\nstride=1\n", "size=2\nstride=1\nstopbackward=1\n").replace(
        "from=0", "from=2"
    )
    network = build_network(parse_cfg(text, source="x.cfg")).train()
    (found,) = network(torch.rand(2, 3, 16, 16))
    found.square().mean().backward()
    assert all(parameter.grad is None for parameter in network.layers[0].parameters())
    assert network.layers[4].conv.weight.grad.any()


def test_an_image_gives_the_same_map_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    network, images = build_network(parse_cfg(EVERY_TRAINED_SECTION, source="x.cfg")).eval(), torch.rand(3, 3, 16, 16)
    with torch.no_grad():
        (together,) = network(images)
        alone = torch.cat([network(image[None])[0] for image in images])
    torch.testing.assert_close(together, alone)


def test_a_branch_that_no_head_reads_keeps_its_weights_and_does_not_run() -> None:
    text = EVERY_TRAINED_SECTION + "[route]\nlayers=0\n[convolutional]\nfilters=3\nactivation=linear\n"
    network = build_network(parse_cfg(text, source="x.cfg")).eval()
    assert "layers.16.conv.weight" in network.state_dict()
    ran = {node.name for node in fx.symbolic_trace(network).graph.nodes}
    assert "layers_13_conv" in ran
    assert "layers_16_conv" not in ran
