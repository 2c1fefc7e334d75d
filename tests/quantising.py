"""A small network with every kind of layer, quantised for ONNX and CoreML, run by its runtime and by the reference."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from ncnn_int8 import Captured, Maps, min_max_ranges
from torch import Tensor, nn
from torch.nn import functional as F

from edgewright_calibration.layerwise import layerwise_plan, weights_only_plan
from edgewright_calibration.onnx_plan import onnx_plan
from edgewright_calibration.palettes import palette_plan
from edgewright_calibration.plan import Plan
from edgewright_calibration.reference import Reference
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_export.manifest import Manifest, ModelInput, ModelOutput, Precision
from edgewright_export.runners import open_runner

PlannedTarget = Literal["onnx", "coreml"]


class EveryLayer(nn.Module):
    """Dense, depthwise, pointwise without bias, grouped, dilated, linear; `left` and `right` read the same value."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.depthwise = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.point = nn.Conv2d(16, 32, 1, bias=False)
        self.grouped = nn.Conv2d(32, 32, 3, 1, 1, groups=4)
        self.left, self.right = nn.Conv2d(32, 48, 1), nn.Conv2d(32, 48, 3, 1, 2, 2)
        self.linear = nn.Linear(48, 7)
        for layer in self.children():
            nn.init.kaiming_normal_(layer.weight)  # values keep their size on the way, so that a wrong code is seen

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.depthwise(torch.relu(self.stem(image)))
        x = F.channel_shuffle(torch.relu(self.point(x)), 4)
        x = F.max_pool2d(F.leaky_relu(self.grouped(x), 0.1), 2, 2)
        left, right = self.left(x), self.right(x)
        return torch.sigmoid(left), self.linear(torch.relu(right).mean((2, 3)))


@dataclass(frozen=True)
class Quantised:
    """`folder` holds the artefact."""

    source: Captured
    plan: Plan
    precision: Precision
    artefact: Artefact
    folder: Path

    def computed(self) -> list[Maps]:
        """By the runtime, per image."""
        run = open_runner(self.folder, self.manifest())
        return [dict(run(image)) for image in self.source.images]

    def expected(self) -> list[Maps]:
        """By the reference, per image."""
        reference = Reference(self.source.graph, self.plan)
        with torch.no_grad():
            runs = [reference.run(x) for x in self.source.tensors()]
        return [
            {name: value[0].numpy() for name, value in zip(self.source.output_names, run, strict=True)} for run in runs
        ]

    def manifest(self) -> Manifest:
        return Manifest.model_construct(
            target=self.plan.target,
            precision=self.precision,
            entry=self.artefact.entry,
            input=ModelInput(
                name="image", kind=self.artefact.input_kind, layout="nchw", preprocess=self.source.preprocess
            ),
            outputs=tuple(ModelOutput(name=name, layout="nchw", shape=(1, 1, 1)) for name in self.source.output_names),
        )

    def contents(self) -> dict[str, bytes]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def plan_for(source: Captured, target: PlannedTarget, precision: Precision, **options: Any) -> Plan:
    if precision == "w8":
        return weights_only_plan(source.graph, target)
    if precision.startswith("palette"):
        return palette_plan(source.graph, target, bits=int(precision[-1]))
    if target == "onnx":
        return onnx_plan(source.graph, min_max_ranges(source), **options)
    return layerwise_plan(source.graph, min_max_ranges(source), target, **options)


def quantised(source: Captured, plan: Plan, precision: Precision, folder: Path) -> Quantised:
    """`folder` must not be there yet."""
    files = folder / "files"
    files.mkdir(parents=True)
    (folder / "plan.json").write_text(plan.model_dump_json())
    spec = ConversionSpec(
        precision=precision, input_name="image", output_names=source.output_names, preprocess=source.preprocess,
        scratch=folder, plan=folder / "plan.json",
    )  # fmt: skip
    convert = import_module(f"edgewright_calibration.quantise.{plan.target}").convert
    return Quantised(source, plan, precision, convert(source.exported, spec, files), files)


def largest_difference(a: list[Maps], b: list[Maps]) -> float:
    return max(float(np.abs(x[name] - y[name]).max()) for x, y in zip(a, b, strict=True) for name in x)
