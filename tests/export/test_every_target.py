"""The zoo's building blocks through every target in both precisions, against the network as it was written."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rewriting import settle_norms
from torch import Tensor, nn

from edgewright_export.capture import capture
from edgewright_export.conversion import ConversionSpec
from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS, Manifest, ModelInput, ModelOutput, Precision, Target
from edgewright_export.ncnn_layers import NCNN_LAYERS
from edgewright_export.ncnn_param import parse_param
from edgewright_export.runners import open_runner
from edgewright_export.targets import converter_module_of
from edgewright_train.darknet.activations import ACTIVATIONS, activation_module
from edgewright_train.darknet.pooling import average_pool, max_pool, pool_axis
from edgewright_train.models.dicenet import Dice
from edgewright_train.models.edgenets_blocks import PyramidPooling
from edgewright_train.models.espnetv2 import Block
from edgewright_train.models.resampling import resample_by
from edgewright_train.models.segmentation_decoder import GatedProjection
from edgewright_train.models.shuffle_blocks import ShuffleUnit
from edgewright_train.models.yolo_fastestv2 import BasicBlock, DownBlock
from edgewright_train.vision.preprocess import Preprocess

WIDTH, HEIGHT, CHANNELS = 48, 64, 16  # of the image, and of the map at half its size
PREPROCESS = Preprocess(
    width=WIDTH, height=HEIGHT, colour_order="rgb", resize="stretch", interpolation="linear",
    mean=(123.675, 116.28, 103.53), scale=(1 / 58.395, 1 / 57.12, 1 / 57.375),
)  # fmt: skip


class Apply(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def axes(size: int, stride: int, padding: int) -> dict[str, Any]:
    """Of darknet's pools over the map."""
    rows, columns = (pool_axis(n // 2, size=size, stride=stride, padding=padding) for n in (HEIGHT, WIDTH))
    return {"rows": rows, "columns": columns, "size": size, "stride_hw": (stride, stride)}


def activations() -> nn.Module:
    """All of darknet's, of the same values, side by side."""
    modules = [activation_module(name) for name in ACTIVATIONS]
    return Apply(lambda x: torch.cat([x if module is None else module(x[:, :2]) for module in modules], 1))


class Neck(nn.Module):
    """A 1x1 convolution of a small map, enlarged, and of the map itself."""

    def __init__(self) -> None:
        super().__init__()
        self.small, self.mixed = nn.Conv2d(CHANNELS, 32, 2, 2), nn.Conv2d(32 + CHANNELS, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mixed(torch.cat((nn.functional.interpolate(self.small(x), scale_factor=2.0), x), 1)).relu()


BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "espnet": lambda: Block(CHANNELS, (1, 2, 3, 4)),
    "dice": lambda: Dice(CHANNELS, 28),
    "pyramid": lambda: PyramidPooling(CHANNELS, 5, 7, (2.0, 1.5, 1.0, 0.5, 0.1)),
    "gated": lambda: GatedProjection(CHANNELS, 9),
    "shuffle": lambda: ShuffleUnit(CHANNELS, 22, nn.Conv2d(14, 14, 3, padding=1, groups=7)),
    "stage": lambda: nn.Sequential(DownBlock(CHANNELS, 32), BasicBlock(32), BasicBlock(32), nn.Conv2d(32, 6, 1)),
    "neck": Neck,
    "pooled": lambda: nn.Sequential(nn.AvgPool2d(3, 2, padding=1), resample_by("average", 0.7)),
    "larger": lambda: nn.Sequential(resample_by("bilinear", 1.7), nn.LeakyReLU(0.1)),
    "nearest": lambda: nn.Upsample(scale_factor=2.0),
    "one_sided": lambda: max_pool(**axes(2, 1, 1)),
    "strided": lambda: max_pool(**axes(2, 2, 1)),
    "average": lambda: average_pool(**axes(3, 2, 2)),
    "normalised": lambda: nn.Softmax(1),
    "activations": activations,
    "logits": lambda: nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(CHANNELS, 64, 1, groups=4), nn.Dropout(), nn.Conv2d(64, 10, 1)
    ),
}


class Menagerie(nn.Module):
    """One output per block, all of the same map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, 2, 1, bias=False), nn.BatchNorm2d(CHANNELS))
        self.blocks = nn.ModuleList(make() for make in BLOCKS.values())

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(image)
        return tuple(block(x) for block in self.blocks)


@dataclass(frozen=True)
class Source:
    exported: Any
    image: np.ndarray[Any, np.dtype[np.uint8]]
    expected: dict[str, np.ndarray[Any, np.dtype[np.float32]]]


@pytest.fixture(scope="module")
def source() -> Source:
    torch.manual_seed(1)
    network = settle_norms(Menagerie()).eval()
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    with torch.no_grad():
        maps = network(torch.from_numpy(PREPROCESS.normalise(image)))
    expected = {name: value[0].numpy() for name, value in zip(BLOCKS, maps, strict=True)}
    return Source(capture(network, WIDTH, HEIGHT), image, expected)


@pytest.mark.parametrize("target", TARGETS)
def test_every_block_computes_the_same(source: Source, target: Target, tmp_path: Path) -> None:
    for precision in FLOAT_PRECISIONS:
        computed = run_converted(source, target, precision, tmp_path)
        for name, expected in source.expected.items():
            value = computed[name]
            assert value.shape == expected.shape, name
            if precision == "fp32":
                tolerance = 1e-5 * max(1.0, float(np.abs(expected).max()))
                np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance, err_msg=name)
            else:
                cosine = float((value * expected).sum() / np.linalg.norm(value) / np.linalg.norm(expected))
                assert cosine > 0.9999, name


def run_converted(source: Source, target: Target, precision: Precision, folder: Path) -> dict[str, Any]:
    """Convert and run; NCNN's layers must be those of the edge core."""
    place = folder / precision
    place.mkdir()
    spec = ConversionSpec(
        precision=precision, input_name="image", output_names=tuple(BLOCKS), preprocess=PREPROCESS, scratch=folder
    )
    artefact = import_module(converter_module_of(target)).convert(source.exported, spec, place)
    if target == "ncnn":
        layers = parse_param((place / artefact.entry).read_text())
        assert {layer.kind for layer in layers} <= NCNN_LAYERS
    manifest = Manifest.model_construct(
        target=target,
        precision=precision,
        entry=artefact.entry,
        input=ModelInput(
            name="image", kind=artefact.input_kind, layout=artefact.input_layout, preprocess=PREPROCESS
        ),
        outputs=tuple(
            ModelOutput(name=name, layout=artefact.output_layout, shape=value.shape)
            for name, value in source.expected.items()
        ),
    )  # fmt: skip
    return open_runner(place, manifest)(source.image)
