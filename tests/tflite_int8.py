"""Networks through the plan, the writer and LiteRT, every int8 tensor on the way compared with the reference."""

import copy
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from edgewright_calibration.plan import Plan
from edgewright_calibration.ranges import Range, Ranges
from edgewright_calibration.reference import Reference
from edgewright_calibration.tflite_plan import tflite_plan
from edgewright_export.capture import runnable
from edgewright_export.tfl import translate


class Apply(nn.Module):
    """Layers and a function of them and the image."""

    def __init__(self, function: Callable[..., Any], *layers: nn.Module) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Any:
        return self.function(x, *self.layers)


class Quantised:
    """A captured network, planned from the ranges that it has on `images`, (N, 3, H, W)."""

    def __init__(self, exported: Any, images: Tensor, *, float_layers: Collection[str] = ()) -> None:
        self.exported = exported
        self.graph_module, self.images = runnable(exported), images
        self.ranges = min_max(self.graph_module, images)
        self.plan = tflite_plan(self.graph_module, self.ranges, float_layers=float_layers)

    @torch.no_grad()
    def differences(self, folder: Path, plan: Plan | None = None) -> NDArray[np.float64]:
        """Of every code of every int8 tensor, in steps, and of the outputs, in thousandths of their largest value.

        `plan`: that the file is made from, by default that of the reference.
        """
        names = [*self.plan.outputs, *output_names(self.graph_module)]
        whole = with_outputs(self.graph_module, names)
        path = folder / "model.tflite"
        translate(AsExported(whole), path, input_name="image", output_names=unique(names), plan=plan or self.plan)
        reference, found = Reference(whole, self.plan), []
        for image in self.images.split(1):
            given = run(path, image)
            for key, name, expected in zip(unique(names), names, reference.run(image), strict=True):
                grid = self.plan.outputs.get(name)
                step = grid.scale if grid else 1e-3 * float(expected.abs().max())
                found.append(np.abs(given[key] - expected.numpy()).ravel() / step)
        return np.concatenate(found)

    def write(self, path: Path) -> bytes:
        outputs = [f"y{index}" for index in range(len(output_names(self.graph_module)))]
        translate(self.exported, path, input_name="image", output_names=outputs, plan=self.plan)
        return path.read_bytes()


def exported(module: nn.Module, images: Tensor) -> Any:
    """Captured, but not rewritten: for small networks, of which a rewrite would leave nothing."""
    return torch.export.export(module.eval(), (images[:1],))


@torch.no_grad()
def min_max(graph_module: fx.GraphModule, images: Tensor) -> Ranges:
    observer = _Observer(graph_module)
    for image in images.split(1):
        observer.run(image)
    nodes = {name: Range(low=min(lows), high=max(highs)) for name, (lows, highs) in observer.found.items()}
    return Ranges(method="min-max", nodes=nodes)


def run(path: Path, image: Tensor) -> dict[str, NDArray[np.float32]]:
    """By output, channels first."""
    runner = Interpreter(model_path=str(path), num_threads=1).get_signature_runner()
    outputs = runner(image=np.ascontiguousarray(image.permute(0, 2, 3, 1)))
    return {name: value.transpose(0, 3, 1, 2) if value.ndim == 4 else value for name, value in outputs.items()}


def operations(path: Path) -> list[tuple[str, str]]:
    """The name of each operation in the file and the type of its result."""
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=_plain_kernels())
    types = {tensor["index"]: np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()}
    return [(operation["op_name"], types[operation["outputs"][0]]) for operation in interpreter._get_ops_details()]


def _plain_kernels() -> Any:
    from ai_edge_litert.interpreter import OpResolverType  # noqa: PLC0415

    return OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


class _Observer(fx.Interpreter):
    def __init__(self, graph_module: fx.GraphModule) -> None:
        super().__init__(graph_module)
        self.found: dict[str, tuple[list[float], list[float]]] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, Tensor) and n.op not in ("get_attr", "output"):
            lows, highs = self.found.setdefault(n.name, ([], []))
            lows.append(float(value.min()))
            highs.append(float(value.max()))
        return value


class AsExported:
    """As much of an `ExportedProgram` as the writer reads."""

    def __init__(self, graph_module: fx.GraphModule) -> None:
        self._graph_module = graph_module

    def module(self, check_guards: bool) -> fx.GraphModule:
        assert not check_guards
        return self._graph_module


def output_names(graph_module: fx.GraphModule) -> list[str]:
    (output,) = graph_module.graph.find_nodes(op="output")
    return [node.name for node in output.args[0]]


def with_outputs(graph_module: fx.GraphModule, names: list[str]) -> fx.GraphModule:
    changed = copy.deepcopy(graph_module)
    nodes = {node.name: node for node in changed.graph.nodes}
    (output,) = changed.graph.find_nodes(op="output")
    output.args = (tuple(nodes[name] for name in names),)
    changed.graph.set_codegen(fx.graph.CodeGen())
    changed.recompile()
    return changed


def unique(names: list[str]) -> list[str]:
    return [f"{index}_{name}" for index, name in enumerate(names)]
