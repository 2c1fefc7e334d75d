"""Networks converted to int8 NCNN by a plan, and what the runtime and the reference make of the same images."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from edgewright_calibration.layerwise import layerwise_plan
from edgewright_calibration.plan import Plan
from edgewright_calibration.quantise import ncnn as quantise_ncnn
from edgewright_calibration.quantise.ncnn_match import WEIGHTED
from edgewright_calibration.ranges import Range, Ranges
from edgewright_calibration.reference import Reference
from edgewright_export.capture import capture, runnable
from edgewright_export.conversion import ConversionSpec
from edgewright_export.manifest import Manifest, ModelInput, ModelOutput, Precision
from edgewright_export.ncnn_bin import Stored, Weights, read_bin
from edgewright_export.ncnn_param import Layer, parse_param
from edgewright_export.runners.ncnn_wheel import open_runner
from edgewright_train.vision.preprocess import Preprocess

Maps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Captured:
    """A network as all converters get it, and images for it (N, height, width, 3) uint8."""

    exported: Any
    graph: fx.GraphModule
    output_names: tuple[str, ...]
    preprocess: Preprocess
    images: NDArray[np.uint8]

    def tensors(self) -> list[Tensor]:
        return [torch.from_numpy(self.preprocess.normalise(image)) for image in self.images]


@dataclass(frozen=True)
class Converted:
    """`folder` holds the artefact."""

    source: Captured
    plan: Plan
    folder: Path
    layers: list[Layer]
    weights: list[Weights]

    def computed(self, *, packing: bool = True) -> list[Maps]:
        """By the runtime, per image."""
        run = open_runner(self.folder, self._manifest())
        if not packing:
            run = _without_packing(run, self.folder)
        return [run(image) for image in self.source.images]

    def expected(self) -> list[Maps]:
        """By the reference, per image."""
        reference = Reference(self.source.graph, self.plan)
        return [self._named(reference.run(x)) for x in self.source.tensors()]

    def weighted(self) -> list[tuple[Layer, dict[str, Stored]]]:
        """The layers that may be in int8, in the order of the file, and their tensors by role."""
        return [
            (layer, {tensor.role: tensor for tensor in tensors})
            for layer, tensors in zip(self.layers, self.weights, strict=True)
            if layer.kind in WEIGHTED
        ]

    def _named(self, outputs: Iterable[Tensor]) -> Maps:
        return {name: value[0].detach().numpy() for name, value in zip(self.source.output_names, outputs, strict=True)}

    def _manifest(self) -> Manifest:
        return Manifest.model_construct(
            target="ncnn",
            precision="int8",
            entry="model.param",
            input=ModelInput(name="image", kind="tensor", layout="nchw", preprocess=self.source.preprocess),
            outputs=tuple(ModelOutput(name=name, layout="nchw", shape=(1, 1, 1)) for name in self.source.output_names),
        )


def preprocess_for(width: int, height: int) -> Preprocess:
    return Preprocess(
        width=width, height=height, colour_order="bgr", resize="stretch", interpolation="linear",
        mean=(127.0, 127.0, 127.0), scale=(1 / 64, 1 / 64, 1 / 64),
    )  # fmt: skip


def captured(network: nn.Module, width: int = 40, height: int = 24, num_images: int = 4) -> Captured:
    """Of random images; the network's outputs are named y0, y1 ..."""
    exported = capture(network, width, height)
    images = np.random.default_rng(0).integers(0, 256, (num_images, height, width, 3), np.uint8)
    graph = runnable(exported)
    (output,) = (node for node in graph.graph.nodes if node.op == "output")
    names = tuple(f"y{i}" for i in range(len(output.args[0])))
    return Captured(exported, graph, names, preprocess_for(width, height), images)


def min_max_ranges(source: Captured) -> Ranges:
    observed: dict[str, Range] = {}

    class Observer(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            value = super().run_node(n)
            if isinstance(value, Tensor) and value.is_floating_point():
                low, high = float(value.min()), float(value.max())
                before = observed.get(n.name, Range(low=low, high=high))
                observed[n.name] = Range(low=min(low, before.low), high=max(high, before.high))
            return value

    with torch.no_grad():
        for x in source.tensors():
            Observer(source.graph).run(x)
    return Ranges(method="min-max", nodes=observed)


def int8_plan(source: Captured, **options: Any) -> Plan:
    return layerwise_plan(source.graph, min_max_ranges(source), "ncnn", **options)


def converted(source: Captured, plan: Plan, folder: Path, precision: Precision = "int8") -> Converted:
    """`folder` may be used again for the same network."""
    (folder / "plan.json").write_text(plan.model_dump_json())
    files = Path(tempfile.mkdtemp(dir=folder))
    spec = ConversionSpec(
        precision=precision, input_name="image", output_names=source.output_names, preprocess=source.preprocess,
        scratch=folder, plan=folder / "plan.json",
    )  # fmt: skip
    assert quantise_ncnn.convert(source.exported, spec, files).entry == "model.param"
    return Converted(source, plan, files, *read_model(files))


def read_model(folder: Path) -> tuple[list[Layer], list[Weights]]:
    layers = parse_param((folder / "model.param").read_text())
    return layers, read_bin(layers, (folder / "model.bin").read_bytes())


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    x, y = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def _without_packing(run: Any, folder: Path) -> Callable[[NDArray[np.uint8]], Maps]:
    """The same network by kernels that take one channel at a time."""
    import ncnn  # noqa: PLC0415

    net = ncnn.Net()
    net.opt = run._net.opt
    net.opt.use_packing_layout = False
    assert net.load_param(str(folder / "model.param")) == 0
    assert net.load_model(str(folder / "model.bin")) == 0
    run._net = net
    return run
