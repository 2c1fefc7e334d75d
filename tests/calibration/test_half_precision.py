"""Networks that half precision is too small for: found, named, and exported with those layers in float32."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ncnn_int8 import Captured, Maps, captured
from torch import Tensor, nn
from torch.nn import functional as F

from edgewright_calibration.half.full_precision import full_precision
from edgewright_calibration.half.ranges import LARGEST_HALF, SAFETY_FACTOR, HalfCounts, HalfRange, half_ranges
from edgewright_export.conversion import ConversionSpec, FullPrecision
from edgewright_export.manifest import TARGETS, Manifest, ModelInput, ModelOutput, Target
from edgewright_export.ncnn_bin import TAG_FLOAT16, TAG_FLOAT32, read_bin
from edgewright_export.ncnn_param import parse_param
from edgewright_export.runners import open_runner
from edgewright_export.targets import converter_module_of

ON_HALF_VALUES: tuple[Target, ...] = ("ncnn", "coreml", "onnx")


class Overflowing(nn.Module):
    """Between `large` and `small`, values are a hundred thousand times as large as before and after."""

    def __init__(self, factor: float = 1e5) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem, self.large = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1)
        self.small, self.side, self.head = nn.Conv2d(8, 16, 1), nn.Conv2d(8, 16, 1), nn.Conv2d(16, 4, 1)
        for layer in self.children():
            nn.init.kaiming_normal_(layer.weight)
        with torch.no_grad():
            self.large.weight.mul_(factor)
            self.small.weight.div_(factor)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.stem(image))
        y = F.max_pool2d(torch.relu(self.large(x)), 2, 2)
        z = F.channel_shuffle(torch.relu(self.small(y)), 2)
        return self.head(z), self.side(x)


class Vanishing(nn.Module):
    """Weights that half precision has no numbers for, and a layer that needs them."""

    def __init__(self, factor: float = 1e-8) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem, self.tiny, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(8, 5, 1)
        for layer in self.children():
            nn.init.kaiming_normal_(layer.weight)
        with torch.no_grad():
            self.tiny.weight.mul_(factor)
        self.factor = factor

    def forward(self, image: Tensor) -> tuple[Tensor]:
        x = torch.relu(self.tiny(torch.relu(self.stem(image)))) / self.factor
        return (self.head(x.mean((2, 3), keepdim=True)),)


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem, self.depthwise = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        x = torch.relu(self.depthwise(torch.relu(self.stem(image))))
        return (torch.softmax(self.head(x.mean((2, 3), keepdim=True)), 1),)


def ranges_of(source: Captured) -> dict[str, HalfRange]:
    found = half_ranges(source.graph, source.preprocess, _named(source))
    return {each.node: each for each in found}


def kept_of(source: Captured) -> dict[Target, FullPrecision]:
    return full_precision(source.graph, source.preprocess, _named(source), TARGETS)


def _named(source: Captured) -> list[tuple[str, np.ndarray]]:
    return [(f"{number}.png", image) for number, image in enumerate(source.images)]


def exported(source: Captured, target: Target, folder: Path, kept: FullPrecision | None) -> list[Maps]:
    """Per image, what the runtime makes of the fp16 artefact, which is written to `folder`."""
    folder.mkdir()
    (folder.parent / "scratch").mkdir(exist_ok=True)
    spec = ConversionSpec(
        precision="fp16", input_name="image", output_names=source.output_names, preprocess=source.preprocess,
        scratch=folder.parent / "scratch", full_precision=tuple(kept.nodes) if kept else (),
    )  # fmt: skip
    convert = import_module(kept.converter_module if kept else converter_module_of(target)).convert
    artefact = convert(source.exported, spec, folder)
    manifest = Manifest.model_construct(
        target=target, precision="fp16", entry=artefact.entry,
        input=ModelInput(
            name="image", kind=artefact.input_kind, layout=artefact.input_layout, preprocess=source.preprocess
        ),
        outputs=tuple(
            ModelOutput(name=name, layout=artefact.output_layout, shape=(1, 1, 1)) for name in source.output_names
        ),
    )  # fmt: skip
    run = open_runner(folder, manifest)
    return [dict(run(image)) for image in source.images]


def expected(source: Captured) -> list[Maps]:
    with torch.no_grad():
        runs = [source.graph(x) for x in source.tensors()]
    return [
        {name: value[0].numpy() for name, value in zip(source.output_names, values, strict=True)} for values in runs
    ]


def largest_error(found: list[Maps], wanted: list[Maps]) -> float:
    """Of all outputs, as a share of the largest value; infinite where one is not finite."""
    errors = [
        float(np.abs(a[name].ravel() - b[name].ravel()).max() / np.abs(b[name]).max())
        if np.isfinite(a[name]).all()
        else np.inf
        for a, b in zip(found, wanted, strict=True)
        for name in b
    ]
    return max(errors)
