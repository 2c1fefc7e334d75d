"""One interface over the runtimes.  A new runtime is one file beside this one and one entry in `RUNNERS`."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgewright_train.errors import InputError

from ..manifest import Manifest


class Runner(Protocol):
    """Runs one artefact on the CPU."""

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """(height, width, 3) uint8 in the manifest's colour order -> output name -> (channels, height, width)."""


class TensorRunner(Runner, Protocol):
    """Whose network can be run, and timed, by itself."""

    def infer(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """(1, 3, height, width), normalised -> as `__call__`."""


Opener = Callable[..., Runner]  # (pack folder, manifest, *, num_threads: int) -> Runner

# target -> (module with `open_runner`, the package it needs, the extra that brings it)
RUNNERS: dict[str, tuple[str, str, str]] = {
    "onnx": ("onnx_runtime", "onnxruntime", "onnx"),
    "ncnn": ("ncnn_wheel", "ncnn", "ncnn"),
    "tflite": ("litert", "ai_edge_litert", "tflite"),
    "coreml": ("coreml", "coremltools", "coreml"),
}


def open_runner(pack: Path, manifest: Manifest, *, num_threads: int = 1) -> Runner:
    """The runner of the manifest's target.  Raises `InputError` naming the extra when its package is missing."""
    module, package, extra = RUNNERS[manifest.target]
    require(package, extra)
    return import_module(f".{module}", __name__).open_runner(pack, manifest, num_threads=num_threads)


def require(package: str, extra: str) -> None:
    """Raises `InputError` when `package` is not installed, naming the extra that brings it."""
    if find_spec(package) is None:
        raise InputError(f"{package} is not installed; pip install 'edgewright[{extra}]'")
