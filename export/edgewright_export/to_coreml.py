"""CoreML: an ML program for iOS 16 that takes the image itself and normalises it inside; outputs are float32.

coremltools has no equal-bytes mode: identifiers of the package and the date of conversion are taken out here.
"""

import json
import logging
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .capture import without_channel_shuffles
from .conversion import Artefact, ConversionSpec

if TYPE_CHECKING:
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
    logging.getLogger("coremltools").setLevel(logging.ERROR)  # it warns of what it will not use, at import
    import coremltools as ct  # noqa: PLC0415

    preprocess = spec.preprocess
    common_scale = _common_scale(preprocess)
    program = _with_channel_scales(exported, preprocess, common_scale)
    colours = {"rgb": ct.colorlayout.RGB, "bgr": ct.colorlayout.BGR}
    precisions = {"fp32": ct.precision.FLOAT32, "fp16": ct.precision.FLOAT16}
    model = ct.convert(
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
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=precisions[spec.precision],
        skip_model_load=True,
    )
    _write_package(model, folder / ENTRY)
    return Artefact(entry=ENTRY, input_kind="image")


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


def _write_package(model: Any, package: Path) -> None:
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
