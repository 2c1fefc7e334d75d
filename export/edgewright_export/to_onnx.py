"""ONNX: torch's own exporter, simplified by onnxsim, checked by onnx; float32 input and outputs in both precisions."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_train.errors import CheckError

from .capture import runnable
from .conversion import Artefact, ConversionSpec

if TYPE_CHECKING:
    import onnx
    import torch
    from torch.export import ExportedProgram

Translations = dict[Callable[..., Any], Callable[..., Any]]  # operation of torch -> the same in onnxscript

OPSET = 18
ENTRY = "model.onnx"


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.onnx`.  fp16 keeps weights and arithmetic in half precision between float32 input and outputs."""
    import onnx  # noqa: PLC0415

    model = float_model(exported, spec)
    onnx.checker.check_model(model, full_check=True)
    (folder / ENTRY).write_bytes(model.SerializeToString(deterministic=True))
    return Artefact(entry=ENTRY)


def float_model(exported: "ExportedProgram", spec: ConversionSpec) -> "onnx.ModelProto":
    """In half precision where `spec.precision` is fp16, else in float32."""
    from .half import HalfButFor, HalfInside  # noqa: PLC0415

    module: torch.nn.Module = runnable(exported)
    if spec.precision == "fp16":
        kept = spec.full_precision
        module = HalfButFor(runnable(exported), kept).eval() if kept else HalfInside(module)
    return model_of(module, spec, {})


def model_of(module: "torch.nn.Module", spec: ConversionSpec, translations: Translations) -> "onnx.ModelProto":
    """What `module` computes; `translations`: of the operations that torch's exporter does not know."""
    import onnxsim  # noqa: PLC0415

    model, simplified = onnxsim.simplify(_to_onnx(module, spec, translations))
    if not simplified:
        raise CheckError("onnxsim: the simplified graph does not compute what the exported one does")
    _anonymise(model)
    return model


def _to_onnx(module: "torch.nn.Module", spec: ConversionSpec, translations: Translations) -> "onnx.ModelProto":
    import torch  # noqa: PLC0415

    image = torch.zeros(1, 3, spec.preprocess.height, spec.preprocess.width)
    program = torch.onnx.export(
        module, (image,), dynamo=True, opset_version=OPSET, verbose=False,
        input_names=[spec.input_name], output_names=list(spec.output_names), custom_translation_table=translations,
    )  # fmt: skip
    assert program is not None
    return program.model_proto


def _anonymise(model: "onnx.ModelProto") -> None:
    """Drop what tools note about themselves and the exporting machine, so that equal models have equal bytes."""
    for message in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        message.ClearField("metadata_props")
        message.ClearField("doc_string")
    model.graph.ClearField("value_info")
