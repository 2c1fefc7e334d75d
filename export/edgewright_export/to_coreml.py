"""CoreML: an ML program for iOS 16 that takes the image itself and normalises it inside; outputs are float32.

coremltools has no equal-bytes mode: identifiers of the package and the date of conversion are taken out here.
"""

import json
import logging
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .capture import without_channel_shuffles
from .conversion import Artefact, ConversionSpec

if TYPE_CHECKING:
    from coremltools import PassPipeline
    from coremltools.converters.mil.mil import Operation, Program
    from coremltools.models import MLModel
    from torch import Tensor
    from torch.export import ExportedProgram

    from edgewright_train.vision.preprocess import Preprocess

ENTRY = "model.mlpackage"
_FOLDER = "com.apple.CoreML"
_MODEL, _WEIGHTS = f"{_FOLDER}/model.mlmodel", f"{_FOLDER}/weights"
# Identifiers in Manifest.json have to differ from each other and nothing else; coremltools draws them at random.
_MODEL_ID = "b58a0a5e-6d6e-4c0c-8d4e-6a1f3a5a7c01"
_WEIGHTS_ID = "b58a0a5e-6d6e-4c0c-8d4e-6a1f3a5a7c02"
_DATE_KEY = "com.github.apple.coremltools.conversion_date"


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.mlpackage`.  fp16 keeps weights and arithmetic in half precision between image and outputs."""
    write_package(convert_program(exported, spec), folder / ENTRY)
    return Artefact(entry=ENTRY, input_kind="image")


def convert_program(
    exported: "ExportedProgram",
    spec: ConversionSpec,
    *,
    ios: Literal[16, 17] = 16,
    last_pass: "Callable[[Program], None] | None" = None,
    in_float32: "Callable[[Operation], bool] | None" = None,
) -> "MLModel":
    """The model in memory.  Every precision but fp32 has its floats in half precision between image and outputs.

    Args:
        last_pass: changes the program, in place, when coremltools has optimised it.
        in_float32: an operation that half precision is too small for.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)  # it warns of what it will not use, at import
    import coremltools as ct  # noqa: PLC0415

    preprocess = spec.preprocess
    common_scale = _common_scale(preprocess)
    program = _with_channel_scales(exported, preprocess, common_scale)
    colours = {"rgb": ct.colorlayout.RGB, "bgr": ct.colorlayout.BGR}
    return ct.convert(
        program.run_decompositions({}),
        inputs=[
            ct.ImageType(
                name=spec.input_name,
                shape=(1, 3, preprocess.height, preprocess.width),
                scale=common_scale,
                bias=[-mean * common_scale for mean in preprocess.mean],
                color_layout=colours[preprocess.colour_order],
            )
        ],
        outputs=[ct.TensorType(name=name, dtype=np.float32) for name in spec.output_names],
        minimum_deployment_target={16: ct.target.iOS16, 17: ct.target.iOS17}[ios],
        compute_precision=_compute_precision(spec, in_float32),
        pass_pipeline=_pipeline(last_pass),
        skip_model_load=True,
    )


def _compute_precision(spec: ConversionSpec, in_float32: "Callable[[Operation], bool] | None") -> Any:
    import coremltools as ct  # noqa: PLC0415

    if spec.precision == "fp32":
        return ct.precision.FLOAT32
    if in_float32 is None:
        return ct.precision.FLOAT16
    return ct.transform.FP16ComputePrecision(op_selector=lambda operation: not in_float32(operation))


def _pipeline(last_pass: "Callable[[Program], None] | None") -> "PassPipeline":
    """coremltools' own, and `last_pass` behind it."""
    import coremltools as ct  # noqa: PLC0415

    pipeline = ct.PassPipeline()
    if last_pass is not None:
        pipeline.append_pass(_register(last_pass))
    return pipeline


def _register(change: "Callable[[Program], None]") -> str:
    """The name under which coremltools now finds a pass that makes the change."""
    from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass  # noqa: PLC0415
    from coremltools.converters.mil.mil.passes.pass_registry import register_pass  # noqa: PLC0415

    class LastPass(AbstractGraphPass):  # type: ignore[misc]
        def apply(self, prog: "Program") -> None:
            change(prog)

    register_pass("edgewright", override=True, name="last_pass")(LastPass)
    return "edgewright::last_pass"


def _common_scale(preprocess: "Preprocess") -> float:
    """An image input has one scale for all channels: theirs when they agree, else their geometric mean."""
    first = preprocess.scale[0]
    return first if all(scale == first for scale in preprocess.scale) else math.prod(preprocess.scale) ** (1 / 3)


def _with_channel_scales(
    exported: "ExportedProgram", preprocess: "Preprocess", common_scale: float
) -> "ExportedProgram":
    """The program behind a multiplication by what each channel's scale differs from the common one, if any does."""
    import torch  # noqa: PLC0415

    class Scaled(torch.nn.Module):
        ratio: "Tensor"

        def __init__(self) -> None:
            super().__init__()
            self.network = without_channel_shuffles(exported)
            self.register_buffer("ratio", torch.tensor(preprocess.scale).reshape(1, 3, 1, 1) / common_scale)
            self.same = all(scale == common_scale for scale in preprocess.scale)

        def forward(self, image: "Tensor") -> Any:
            return self.network(image if self.same else image * self.ratio)

    return torch.export.export(Scaled(), (torch.zeros(1, 3, preprocess.height, preprocess.width),))


def write_package(model: "MLModel", package: Path) -> None:
    """As `model.save` does, with the same bytes for the same model and without its debugging files."""
    spec = model.get_spec()
    del spec.description.metadata.userDefined[_DATE_KEY]
    shutil.copytree(model.weights_dir, package / "Data" / _WEIGHTS)
    (package / "Data" / _MODEL).write_bytes(spec.SerializeToString(deterministic=True))
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": {
            _MODEL_ID: _item("model.mlmodel", _MODEL, "CoreML Model Specification"),
            _WEIGHTS_ID: _item("weights", _WEIGHTS, "CoreML Model Weights"),
        },
        "rootModelIdentifier": _MODEL_ID,
    }
    (package / "Manifest.json").write_text(json.dumps(manifest, indent=4) + "\n")


def _item(name: str, path: str, description: str) -> dict[str, str]:
    return {"author": _FOLDER, "description": description, "name": name, "path": path}
