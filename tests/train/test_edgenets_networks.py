"""Each network computes what EdgeNets' does, can be trained, traced and deployed."""

import numpy as np
import pytest
import torch
from edgenets_material import FIXTURES, NETWORKS, random_image, synthetic_tensors
from shared_material import needs_shared
from torch import Tensor, fx, nn

from edgewright_train.importers import edgenets
from edgewright_train.models import dicenet, edgenets_classifier, espnetv2, segmentation_decoder, shufflenetv2
from edgewright_train.models.edgenets_blocks import ChannelShuffle
from edgewright_train.models.resampling import Resample

CLASSIFIERS = [
    *(("espnetv2", scale, (224, 224)) for scale in espnetv2.CHANNELS),
    *(("dicenet", scale, (224, 224)) for scale in dicenet.CHANNELS),
    *(("dicenet", scale, (160, 288)) for scale in ("0.5", "1.0")),
    *(("shufflenetv2", scale, (224, 224)) for scale in shufflenetv2.CHANNELS),
]
SMALLEST = {"espnetv2": "0.5", "dicenet": "0.2", "shufflenetv2": "0.1"}


def small(family: str, task: str, num_classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[family, task](SMALLEST[family], num_classes).eval()


def tensors_of(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (output,) if isinstance(output, Tensor) else output


@needs_shared
@pytest.mark.parametrize(("family", "scale", "size_hw"), CLASSIFIERS)
def test_a_classifier_gives_the_published_logits(family: str, scale: str, size_hw: tuple[int, int]) -> None:
    tensors, num_classes = edgenets.convert(family, scale, "classify")(
        synthetic_tensors(family, "classify", scale, 1000), "synthetic"
    )
    assert num_classes is not None
    network = NETWORKS[family, "classify"](scale, num_classes).eval()
    network.load_state_dict(tensors)
    square = size_hw == (224, 224)
    image = random_image(0 if square else 1, *size_hw)
    expected = np.load(FIXTURES / "synthetic_classification.npz")[
        f"{family}_s{scale}_logits" if square else f"{family}_s{scale}_{size_hw[0]}x{size_hw[1]}_logits"
    ]
    with torch.no_grad():
        logits = network(image)[0].numpy()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("family", "task"), NETWORKS)
def test_gradients_reach_every_parameter(family: str, task: str) -> None:
    network = small(family, task).train()
    outputs = tensors_of(network(torch.randn(2, 3, 160, 160)))
    sum((output * torch.randn_like(output)).sum() for output in outputs).backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize(("family", "task"), NETWORKS)
def test_one_trace_serves_every_size_and_batch(family: str, task: str) -> None:
    class Tracer(fx.Tracer):
        def is_leaf_module(self, module: nn.Module, name: str) -> bool:
            return isinstance(module, Resample) or super().is_leaf_module(module, name)

    network = small(family, task)
    traced = fx.GraphModule(network, Tracer().trace(network))
    for shape in ((2, 3, 64, 64), (1, 3, 96, 150)):
        image = torch.randn(shape)
        with torch.no_grad():
            for found, expected in zip(tensors_of(traced(image)), tensors_of(network(image)), strict=True):
                assert torch.equal(found, expected)


@pytest.mark.parametrize("family", ["espnetv2", "dicenet"])
@pytest.mark.parametrize("size_hw", [(32, 32), (64, 160), (75, 100)])
def test_a_segmenter_labels_every_pixel_of_any_size(family: str, size_hw: tuple[int, int]) -> None:
    image = torch.randn(2, 3, *size_hw)
    network = small(family, "segment")
    with torch.no_grad():
        assert network(image).shape == (2, 5, *size_hw)
        assert torch.equal(segmentation_decoder.Deployed(network)(image)[0], network(image))


@pytest.mark.parametrize("num_classes", [1, 2, 21, 60])
def test_a_segmenter_takes_any_number_of_classes(num_classes: int) -> None:
    with torch.no_grad():
        assert small("espnetv2", "segment", num_classes)(torch.randn(1, 3, 32, 32)).shape == (1, num_classes, 32, 32)


@pytest.mark.parametrize("family", ["espnetv2", "dicenet", "shufflenetv2"])
def test_a_deployed_classifier_gives_the_same_logits_as_a_map(family: str) -> None:
    network, image = small(family, "classify"), torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        (deployed,) = edgenets_classifier.Deployed(network)(image)
        assert deployed.shape == (2, 5, 1, 1)
        assert torch.equal(deployed[:, :, 0, 0], network(image))


def test_the_shuffle_puts_the_versions_of_a_channel_side_by_side() -> None:
    x = torch.tensor([10, 11, 12, 20, 21, 22]).view(1, 6, 1, 1)
    assert ChannelShuffle(2)(x).flatten().tolist() == [10, 20, 11, 21, 12, 22]


def test_networks_start_from_the_published_distributions() -> None:
    classifier = small("espnetv2", "classify", 1000)
    torch.testing.assert_close(classifier.get_parameter("head.1.weight").std().item(), 0.001, rtol=0.02, atol=0)
    stem = small("dicenet", "segment").get_parameter("backbone.levels.1.1.right.0.0.weight")  # (out, in, 1, 1)
    torch.testing.assert_close(stem.std().item(), (2 / stem.shape[0]) ** 0.5, rtol=0.1, atol=0)
    head = small("espnetv2", "detect").get_parameter("heads.2.weight")  # 24 offsets, then 36 logits, of 1024 channels
    for part in (head[:24], head[24:]):
        limit = (6 / (1024 + len(part))) ** 0.5
        assert 0.98 * limit < part.abs().max() <= limit
