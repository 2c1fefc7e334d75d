"""TFLite, written by our own translation (`tfl/`): no conversion framework, the same bytes for the same network."""

from pathlib import Path
from typing import TYPE_CHECKING

from .conversion import Artefact, ConversionSpec

if TYPE_CHECKING:
    from torch.export import ExportedProgram

ENTRY = "model.tflite"


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.tflite`.  fp16 stores the weights in half precision; the runtime computes in float32."""
    from .tfl import translate  # noqa: PLC0415

    translate(
        exported,
        folder / ENTRY,
        input_name=spec.input_name,
        output_names=spec.output_names,
        half_weights=spec.precision == "fp16",
        full_precision=spec.full_precision,
    )
    return Artefact(entry=ENTRY, input_layout="nhwc", output_layout="nhwc")
