"""Parameters and multiply-accumulates equal the measured tables of the specifications, row by row."""

import pytest
import torch
from edgenets_material import NETWORKS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from edgewright_train.models import espnetv2

# family, scale, parameters, MACs of convolutions and of linear layers at 224x224 in millions
CLASSIFIERS = [
    ("espnetv2", "0.5", 1_241_332, 28.38, 1.02),
    ("espnetv2", "1.0", 1_670_072, 85.72, 1.02),
    ("espnetv2", "1.25", 1_965_440, 123.40, 1.02),
    ("espnetv2", "1.5", 2_314_856, 168.60, 1.02),
    ("espnetv2", "2.0", 3_498_136, 284.81, 1.28),
    ("dicenet", "0.2", 1_130_704, 14.90, 0.00),
    ("dicenet", "0.5", 1_214_120, 24.71, 0.00),
    ("dicenet", "0.75", 1_495_676, 46.83, 0.00),
    ("dicenet", "1.0", 1_805_604, 70.71, 0.00),
    ("dicenet", "1.25", 2_162_888, 98.11, 0.00),
    ("dicenet", "1.5", 2_652_200, 135.48, 0.00),
    ("dicenet", "1.75", 3_264_932, 182.24, 0.00),
    ("dicenet", "2.0", 3_979_044, 236.29, 0.00),
    ("dicenet", "2.4", 5_113_628, 297.94, 0.00),
    ("shufflenetv2", "0.1", 567_368, 7.64, 0.00),
    ("shufflenetv2", "0.5", 1_369_736, 40.48, 0.00),
    ("shufflenetv2", "1.0", 2_283_656, 142.62, 0.00),
    ("shufflenetv2", "1.5", 3_512_456, 292.95, 0.00),
    ("shufflenetv2", "2.0", 7_410_312, 581.56, 0.00),
]
# family, scale, parameters with 21 and with 20 classes, millions of MACs at each of `SEGMENT_INPUTS`
SEGMENTERS = [
    ("espnetv2", "0.5", (80_353, 80_342), (74.70, 168.07, 149.07, 596.25)),
    ("espnetv2", "1.0", (234_021, 234_010), (135.84, 305.62, 271.33, 1085.28)),
    ("espnetv2", "1.5", (468_373, 468_362), (214.34, 482.24, 428.33, 1713.26)),
    ("espnetv2", "2.0", (789_253, 789_242), (337.41, 759.13, 674.46, 2697.74)),
    ("dicenet", "0.2", (46_927, 46_916), (60.81, 135.26, 120.25, 474.77)),
    ("dicenet", "0.5", (76_359, 76_348), (82.16, 182.52, 162.43, 640.37)),
    ("dicenet", "0.75", (189_663, 189_652), (127.06, 281.66, 250.96, 987.08)),
    ("dicenet", "1.0", (283_387, 283_376), (141.37, 312.38, 278.59, 1091.70)),
    ("dicenet", "1.25", (389_415, 389_404), (155.22, 342.14, 305.36, 1193.22)),
    ("dicenet", "1.5", (552_135, 552_124), (191.13, 421.32, 376.09, 1469.80)),
    ("dicenet", "1.75", (807_951, 807_940), (289.79, 641.60, 572.27, 2247.75)),
    ("dicenet", "2.0", (1_020_923, 1_020_912), (313.59, 693.40, 618.69, 2426.63)),
]
SEGMENT_INPUTS = ((21, 256, 256), (21, 384, 384), (20, 512, 256), (20, 1024, 512))  # classes, width, height
# family, scale, parameters with 20 and with 80 classes of objects, millions of MACs at each of `DETECT_INPUTS`
DETECTORS = [
    ("espnetv2", "0.5", (1_958_254, 2_720_734), (181.8, 486.6, 274.0, 735.9)),
    ("espnetv2", "1.0", (2_475_944, 3_307_544), (343.7, 939.4, 485.8, 1330.2)),
    ("espnetv2", "1.25", (2_823_640, 3_689_800), (447.7, 1229.6, 614.8, 1691.2)),
    ("espnetv2", "1.5", (3_227_764, 4_128_484), (567.8, 1564.6, 759.8, 2096.9)),
    ("espnetv2", "2.0", (4_750_878, 5_812_878), (913.4, 2520.1, 1164.6, 3217.6)),
    # Designed here: docs/adr/0007-dicenet-detector.md.
    ("dicenet", "0.5", (1_915_720, 2_660_920), (164.6, 434.3, 244.4, 648.1)),
    ("dicenet", "1.0", (2_596_394, 3_415_034), (310.2, 831.6, 443.0, 1195.9)),
    ("dicenet", "2.0", (4_997_154, 5_954_034), (776.6, 2110.9, 1009.2, 2758.2)),
]
DETECT_INPUTS = ((20, 300), (20, 512), (80, 300), (80, 512))  # classes, side


def network_without_memory(family: str, task: str, scale: str, num_classes: int) -> nn.Module:
    with torch.device("meta"):
        return NETWORKS[family, task](scale, num_classes).eval()


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def num_dead(family: str, task: str, scale: str) -> int:
    """Parameters that the specification counts, upstream never uses and our networks do not have (ESPNetv2 alone).

    The slopes after every down-sampling block's pyramid (as many as it adds channels); in the classifier also level 5's
    way for the image: a 3x3 convolution 3 -> 3 with norm and slopes, a 1x1 convolution to the level's width with norm.
    """
    if family != "espnetv2":
        return 0
    stem, *_, stride16, stride32, _ = espnetv2.CHANNELS[scale]
    slopes = (stride16 if task == "segment" else stride32) - stem
    image_way = (3 * 3 * 9 + 2 * 3 + 3) + (3 + 2) * stride32
    return slopes + (image_way if task == "classify" else 0)


def without_norms_and_activations(module: nn.Module) -> nn.Module:
    """They change no shape and are not counted, but cost the counting most of its time."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.PReLU):
                setattr(parent, name, nn.Identity())
    return module


def millions_of_macs(network: nn.Module, width: int, height: int) -> tuple[float, float]:
    """Of the network, and of these the head's."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        without_norms_and_activations(network)(torch.empty(1, 3, height, width, device="meta"))
    head = counter.get_flop_counts().get(f"{type(network).__name__}.head", {})
    return counter.get_total_flops() / 2e6, sum(head.values()) / 2e6


@pytest.mark.parametrize(("family", "scale", "parameters", "conv_macs", "linear_macs"), CLASSIFIERS)
def test_a_classifier_has_the_specified_size(
    family: str, scale: str, parameters: int, conv_macs: float, linear_macs: float
) -> None:
    network = network_without_memory(family, "classify", scale, 1000)
    assert num_parameters(network) + num_dead(family, "classify", scale) == parameters
    total, head = millions_of_macs(network, 224, 224)
    linear = head if family == "espnetv2" else 0.0  # the other families' heads are convolutions upstream too
    assert (total - linear, linear) == pytest.approx((conv_macs, linear_macs), abs=0.005001)


@pytest.mark.parametrize(("family", "scale", "parameters", "macs"), SEGMENTERS)
def test_a_segmenter_has_the_specified_size(
    family: str, scale: str, parameters: tuple[int, int], macs: tuple[float, ...]
) -> None:
    networks = [network_without_memory(family, "segment", scale, num_classes) for num_classes in (21, 20)]
    dead = num_dead(family, "segment", scale)
    assert tuple(num_parameters(network) + dead for network in networks) == parameters
    assert millions_of_macs(networks[0], *SEGMENT_INPUTS[0][1:])[0] == pytest.approx(macs[0], abs=0.005001)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "scale", "parameters", "macs"), SEGMENTERS)
def test_a_segmenter_costs_the_specified_macs_at_every_size(
    family: str, scale: str, parameters: tuple[int, int], macs: tuple[float, ...]
) -> None:
    networks = {num_classes: network_without_memory(family, "segment", scale, num_classes) for num_classes in (21, 20)}
    found = [millions_of_macs(networks[k], width, height)[0] for k, width, height in SEGMENT_INPUTS]
    assert found == pytest.approx(macs, abs=0.005001)


@pytest.mark.parametrize(("family", "scale", "parameters", "macs"), DETECTORS)
def test_a_detector_has_the_specified_size(
    family: str, scale: str, parameters: tuple[int, int], macs: tuple[float, ...]
) -> None:
    networks = [network_without_memory(family, "detect", scale, num_classes) for num_classes in (20, 80)]
    dead = num_dead(family, "detect", scale)
    assert tuple(num_parameters(network) + dead for network in networks) == parameters
    assert millions_of_macs(networks[0], 300, 300)[0] == pytest.approx(macs[0], abs=0.05001)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "scale", "parameters", "macs"), DETECTORS)
def test_a_detector_costs_the_specified_macs_at_every_size(
    family: str, scale: str, parameters: tuple[int, int], macs: tuple[float, ...]
) -> None:
    networks = {num_classes: network_without_memory(family, "detect", scale, num_classes) for num_classes in (20, 80)}
    found = [millions_of_macs(networks[k], side, side)[0] for k, side in DETECT_INPUTS]
    assert found == pytest.approx(macs, abs=0.05001)
