"""Networks through the plan, the writer and onnxruntime, every uint8 value on the way compared with the reference."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from small_pack import preprocess
from tflite_int8 import AsExported, min_max, output_names, unique, with_outputs
from torch import Tensor

from edgewright_calibration.layers import layers
from edgewright_calibration.onnx_plan import onnx_plan
from edgewright_calibration.plan import Plan
from edgewright_calibration.quantise.onnx import quantise_weights, rounded_model
from edgewright_calibration.reference import Reference
from edgewright_export.capture import runnable
from edgewright_export.conversion import ConversionSpec

OPTIMISED = "optimised.onnx"


class QuantisedOnnx:
    """A captured network, planned from the ranges that it has on `images`, (N, 3, H, W)."""

    def __init__(self, exported: Any, images: Tensor, *, float_layers: Collection[str] = ()) -> None:
        self.exported = exported
        self.graph_module, self.images = runnable(exported), images
        self.ranges = min_max(self.graph_module, images)
        self.plan = onnx_plan(self.graph_module, self.ranges, float_layers=float_layers)

    def differences(self, folder: Path, plan: Plan | None = None) -> NDArray[np.float64]:
        """See `differences_of`; of all values."""
        return np.concatenate(list(self.differences_of(folder, plan).values()))

    @torch.no_grad()
    def differences_of(self, folder: Path, plan: Plan | None = None) -> dict[str, NDArray[np.float64]]:
        """By node: of its codes, in steps, or of an output in float, in thousandths of its largest value.

        `plan`: that the model is made from, by default that of the reference.  Leaves what onnxruntime runs in
        `folder`.
        """
        names = list(dict.fromkeys([*self.plan.outputs, *output_names(self.graph_module)]))
        whole = with_outputs(self.graph_module, names)
        model = model_from(AsExported(whole), self.images, unique(names), plan or self.plan, folder)
        reference, run = Reference(whole, self.plan), session(model, optimised=folder / OPTIMISED)
        found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
        for image in self.images.split(1):
            given = run.run(None, {"image": image.numpy()})
            for name, value, expected in zip(names, given, reference.run(image), strict=True):
                grid = self.plan.outputs.get(name)
                step = grid.scale if grid else 1e-3 * float(expected.abs().max())
                found[name].append(np.abs(value - expected.numpy()).ravel() / step)
        return {name: np.concatenate(values) for name, values in found.items()}

    def model(self, folder: Path) -> Any:
        names = [f"y{index}" for index in range(len(output_names(self.graph_module)))]
        return model_from(self.exported, self.images, names, self.plan, folder)


def model_from(exported: Any, images: Tensor, names: list[str], plan: Plan, folder: Path) -> Any:
    spec = ConversionSpec(
        precision="int8", input_name="image", output_names=tuple(names),
        preprocess=preprocess(images.shape[3], images.shape[2]), scratch=folder,
    )  # fmt: skip
    model = rounded_model(exported, spec, plan)
    quantise_weights(model, list(layers(runnable(exported))), plan)
    onnx.checker.check_model(model, full_check=True)
    return model


def session(
    model: Any,
    level: str = "ORT_ENABLE_ALL",
    *,
    num_threads: int = 1,
    exact_sums: str = "1",
    optimised: Path | None = None,
) -> onnxruntime.InferenceSession:
    """`optimised`: where the graph that is run is written."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns that a written graph is for this machine alone
    options.intra_op_num_threads = num_threads
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.add_session_config_entry("session.x64quantprecision", exact_sums)
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def operations(model: Any, folder: Path) -> Counter[str]:
    """What onnxruntime runs."""
    session(model, optimised=folder / OPTIMISED)
    return optimised_operations(folder)


def optimised_operations(folder: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(folder / OPTIMISED).graph.node)
