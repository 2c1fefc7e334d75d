"""TFLite in int8, by the float artefact's own writer."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_export.to_tflite import ENTRY

from ..plan import read_plan

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.tflite`; the plan's ends are int8 outside too.  Raises `CheckError` when it does not fit."""
    from edgewright_export.tfl import translate  # noqa: PLC0415

    assert spec.plan is not None
    plan = read_plan(spec.plan)
    ends = translate(
        exported,
        folder / ENTRY,
        input_name=spec.input_name,
        output_names=spec.output_names,
        plan=plan,
    )
    steps = {name: (grid.scale, grid.zero_point) for name, node in ends.items() if (grid := plan.ends.get(node))}
    return Artefact(
        entry=ENTRY,
        input_layout="nhwc",
        output_layout="nhwc",
        input_steps=steps.pop(spec.input_name, None),
        output_steps=steps,
    )
