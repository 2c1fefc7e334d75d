"""TFLite through litert-torch; half-precision weights through ai-edge-quantizer.

Input and outputs are NHWC or NCHW, whichever ran faster here.  The measurement is repeated at every export, so a small
difference must not decide: NHWC, the format's own layout, is kept unless NCHW is faster by more than `_MARGIN`.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from .capture import runnable
from .conversion import Artefact, ConversionSpec
from .tflite_names import rename_tensors

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Layout = Literal["nchw", "nhwc"]
ENTRY = "model.tflite"
_MARGIN = 0.05
_WARMUP, _ROUNDS = 5, 40


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.tflite`.  fp16 stores the weights in half precision; the runtime computes in float32."""
    candidates = {layout: _float_model(exported, spec, layout) for layout in get_args(Layout)}
    layout = _faster(candidates)
    entry = folder / ENTRY
    if spec.precision == "fp16":
        _halve_weights(candidates[layout], entry)
    else:
        entry.write_bytes(candidates[layout].read_bytes())
    rename_tensors(entry, spec.input_name, spec.output_names)
    return Artefact(entry=ENTRY, input_layout=layout, output_layout=layout)


def _float_model(exported: "ExportedProgram", spec: ConversionSpec, layout: Layout) -> Path:
    """The float32 conversion, made once for all precisions."""
    path = spec.scratch / f"{layout}.tflite"
    if path.exists():
        return path
    import litert_torch  # noqa: PLC0415
    import torch  # noqa: PLC0415

    module, shape = runnable(exported), (1, 3, spec.preprocess.height, spec.preprocess.width)
    network: torch.nn.Module = module
    if layout == "nhwc":
        outputs = list(range(len(spec.output_names)))
        network = litert_torch.to_channel_last_io(module, args=[0], outputs=outputs)
        shape = (1, spec.preprocess.height, spec.preprocess.width, 3)
    litert_torch.convert(network.eval(), (torch.zeros(shape),)).export(str(path))
    return path


def _halve_weights(source: Path, destination: Path) -> None:
    from ai_edge_quantizer import qtyping, quantizer  # noqa: PLC0415

    recipe = quantizer.Quantizer(str(source))
    recipe.update_quantization_recipe(
        ".*",
        qtyping.TFLOperationName.ALL_SUPPORTED,
        qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key=quantizer.AlgorithmName.FLOAT_CASTING,
    )
    recipe.quantize().export_model(str(destination), overwrite=True)


def _faster(candidates: dict[Layout, Path]) -> Layout:
    """NHWC, unless the median of NCHW / NHWC over interleaved runs on one thread is below 1 - `_MARGIN`."""
    run = {layout: _timed_run(path) for layout, path in candidates.items()}
    pairs = [(run["nchw"](), run["nhwc"]()) for _ in range(_WARMUP + _ROUNDS)][_WARMUP:]
    ratio = float(np.median([nchw / nhwc for nchw, nhwc in pairs]))
    print(f"tflite layout: NCHW / NHWC = {ratio:.3f} (median of {_ROUNDS} paired runs, 1 thread)")
    return "nchw" if ratio < 1 - _MARGIN else "nhwc"


def _timed_run(path: Path):  # type: ignore[no-untyped-def]
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()

    def run() -> int:
        start = time.thread_time_ns()
        interpreter.invoke()
        return time.thread_time_ns() - start

    return run
