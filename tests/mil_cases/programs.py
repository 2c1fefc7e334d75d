"""Small ML programs, saved as packages by coremltools and not optimised by it, for the tests of the interpreter."""

import gc
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

logging.getLogger("coremltools").setLevel(logging.ERROR)

import coremltools as ct  # noqa: E402
from coremltools.converters.mil import Builder as mb  # noqa: E402, N813
from coremltools.converters.mil.mil import types  # noqa: E402

_TYPES = {np.dtype(np.float32): types.fp32, np.dtype(np.float16): types.fp16, np.dtype(np.int32): types.int32}


def save_program(
    folder: Path,
    build: Callable[..., Any],
    inputs: Sequence[tuple[tuple[int, ...], DTypeLike]],
    *,
    target: ct.target = ct.target.iOS16,
) -> Path:
    """The package of a program with inputs x, y ... of the given shapes and types; `build` makes its operations."""
    specs = [mb.TensorSpec(shape=shape, dtype=_TYPES[np.dtype(dtype)]) for shape, dtype in inputs]
    program = mb.program(input_specs=specs, opset_version=target)(build)
    model = convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=target,
        compute_precision=ct.precision.FLOAT32,
        pass_pipeline=ct.PassPipeline.EMPTY,
    )
    package = folder / "program.mlpackage"
    model.save(str(package))
    return package


def convert(source: Any, **options: Any) -> Any:
    """`ct.convert` for a machine without Core ML."""
    gc.freeze()  # coremltools collects garbage at every conversion: 0.25 s with torch loaded, 0.01 s so
    return ct.convert(source, skip_model_load=True, **options)


def edit_model(package: Path, change: Callable[[Any], None]) -> None:
    """Change the protobuf of a saved package: `change` gets the whole Model message."""
    file = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    model = ct.proto.Model_pb2.Model()
    model.ParseFromString(file.read_bytes())
    change(model)
    file.write_bytes(model.SerializeToString())


def operations_of(model: Any) -> Any:
    """The operations of `main` in a Model message, to be read or changed."""
    function = model.mlProgram.functions["main"]
    return function.block_specializations[function.opset].operations


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
