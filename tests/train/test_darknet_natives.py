"""The networks of our own definition are darknet's: with the weights of the cfg they give the same outputs."""

import pytest
import torch
from darknet_random import random_weights, waves
from shared_material import SHARED, needs_shared
from torch import Tensor, fx, nn
from torch.utils.flop_counter import FlopCounterMode

from edgewright_train.darknet.cfg import read_cfg
from edgewright_train.darknet.heads import heads_of
from edgewright_train.darknet.network import DarknetNetwork, build_network
from edgewright_train.darknet.plan import plan_network
from edgewright_train.darknet.weights import parse_weights, read_weights
from edgewright_train.models import architecture, lightnet
from edgewright_train.models.architecture import Task
from edgewright_train.models.darknet53 import Darknet53
from edgewright_train.models.darknet_blocks import DeployedClassifier
from edgewright_train.models.darknets import DARKNETS
from edgewright_train.models.lightnet import DeployedSegmenter, LightNetDetector, LightNetSegmenter
from edgewright_train.models.tiny_darknet import TinyDarknet

CFGS = SHARED / "weights" / "darknet"
# cfg, the network as it ships, trainable parameters, and at (width, height) 1e6 multiply-accumulates.
NATIVES = {
    "tiny": (lambda: DeployedClassifier(TinyDarknet(1000)), 1_042_104, (224, 224), 491.5),
    "darknet53": (lambda: DeployedClassifier(Darknet53(1000)), 41_609_928, (256, 256), 9285.1),
    "lightNet-BDD100K-1280x960": (lambda: LightNetDetector(10), 9_001_127, (640, 480), 7251.6),
    "lightSeg-BDD100K-laneMarker-1280x960": (
        lambda: DeployedSegmenter(LightNetSegmenter(9)), 6_023_785, (320, 320), 1885.2,
    ),
}  # fmt: skip


def same_weights(native: nn.Module, network: DarknetNetwork) -> None:
    """Both define their layers in the order of the file."""
    theirs = network.state_dict().values()
    native.load_state_dict(dict(zip(native.state_dict(), theirs, strict=True)))


@needs_shared
@pytest.mark.parametrize("name", sorted(NATIVES))
def test_a_native_network_gives_what_its_cfg_gives(name: str) -> None:
    height, width = 64, 96
    network = build_network(read_cfg(CFGS / f"{name}.cfg"), width=width, height=height).eval()
    data = random_weights(network.plan, head_gain=0.1, bn_gain=0.5)
    network.load_state_dict({**network.state_dict(), **parse_weights(data, network.plan, source=name).tensors})
    native = NATIVES[name][0]().eval()
    same_weights(native, network)
    with torch.no_grad():
        expected, found = network(waves(height, width)), native(waves(height, width))
        traced = fx.symbolic_trace(native)(waves(height, width))
    for one, two, three in zip(expected, found, traced, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-5, atol=1e-6)
        assert torch.equal(two, three)


@needs_shared
def test_the_published_tiny_darknet_loads_into_the_native_one() -> None:
    network = build_network(read_cfg(CFGS / "tiny.cfg")).eval()
    weights = read_weights(CFGS / "tiny.weights", network.plan)
    network.load_state_dict({**network.state_dict(), **weights.tensors})
    native = DeployedClassifier(TinyDarknet(1000)).eval()
    same_weights(native, network)
    with torch.no_grad():
        torch.testing.assert_close(native(waves(224, 224)), network(waves(224, 224)))


@pytest.mark.parametrize("name", sorted(NATIVES))
def test_parameters_and_operations_are_those_of_the_specifications(name: str) -> None:
    build, num_parameters, (width, height), million_macs = NATIVES[name]
    with torch.device("meta"):
        network = build().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, height, width))
    assert sum(parameter.numel() for parameter in network.parameters()) == num_parameters
    assert round(counter.get_total_flops() / 2e6, 1) == million_macs


def test_the_mindspore_variant_normalises_and_activates_its_last_convolution() -> None:
    network = TinyDarknet(1000, variant="mindspore").eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_043_104
    assert {module.eps for module in network.modules() if isinstance(module, nn.BatchNorm2d)} == {1e-3}
    assert {module.negative_slope for module in network.modules() if isinstance(module, nn.LeakyReLU)} == {0.2}


def test_an_unknown_variant_is_named() -> None:
    with pytest.raises(ValueError, match="variant: unknown 'x'; choose from: darknet, mindspore"):
        TinyDarknet(10, variant="x")


def test_the_slope_of_darknet53_can_be_the_one_of_the_pytorch_port() -> None:
    slopes = {
        module.negative_slope for module in Darknet53(2, leaky_slope=0.01).modules() if isinstance(module, nn.LeakyReLU)
    }
    assert slopes == {0.01}


@pytest.mark.parametrize("size_hw", [(32, 32), (64, 160)])
def test_output_planes_follow_the_input(size_hw: tuple[int, int]) -> None:
    height, width = size_hw
    image = torch.empty(2, 3, height, width, device="meta")
    with torch.device("meta"):
        detector, segmenter = LightNetDetector(4).eval(), LightNetSegmenter(5).eval()
    assert [tuple(found.shape) for found in detector(image)] == [
        (2, 3 * 9, height // stride, width // stride) for stride in lightnet.STRIDES
    ]
    assert segmenter(image).shape == (2, 5, height // 4, width // 4)


@pytest.mark.parametrize(
    "build", [lambda: TinyDarknet(3), lambda: Darknet53(3), lambda: LightNetDetector(3), lambda: LightNetSegmenter(3)]
)
def test_every_parameter_gets_a_gradient(build: type[nn.Module]) -> None:
    torch.manual_seed(0)
    network = build().train()
    outputs = network(torch.rand(2, 3, 64, 64))
    sum(((each - 0.3) ** 2).mean() for each in (outputs if isinstance(outputs, tuple) else (outputs,))).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_a_fresh_detector_expects_few_objects() -> None:
    network = LightNetDetector(4)
    lightnet.expect_few_objects(network)
    for head in network.heads:
        bias: Tensor = head[1].bias.view(3, 9)
        torch.testing.assert_close(bias[:, 4].sigmoid(), torch.full((3,), 0.01))
        assert (bias[:, 5:].sigmoid() > 0.3).all()


@needs_shared
def test_anchors_and_strides_are_those_of_the_cfg() -> None:
    heads = heads_of(plan_network(read_cfg(CFGS / "lightNet-BDD100K-1280x960.cfg"))).yolo
    assert tuple(head.anchors_px for head in heads) == lightnet.BDD100K_ANCHORS_PX
    assert tuple(head.strides_wh[0] for head in heads) == lightnet.STRIDES
    assert {head.scale_x_y for head in heads} == {lightnet.SCALE_X_Y}


@pytest.mark.parametrize(("model", "task"), [(model, task) for model, tasks in DARKNETS.items() for task in tasks])
def test_a_native_network_ships_the_outputs_it_names(model: str, task: Task) -> None:
    arch = architecture(model, task)
    side = arch.size_multiple
    with torch.device("meta"):
        outputs = arch.deploy(arch.build(arch.default_num_classes).eval())(torch.empty(1, 3, side, 2 * side))
    assert len(outputs) == len(arch.output_names)
    assert all(output.ndim == 4 for output in outputs)
    decode = arch.decode((2 * side, side), arch.default_anchors_px)
    shapes = [scale.shape((2 * side, side), arch.default_num_classes) for scale in getattr(decode, "scales", ())]
    assert shapes == [tuple(output.shape[1:]) for output in outputs][: len(shapes)]
