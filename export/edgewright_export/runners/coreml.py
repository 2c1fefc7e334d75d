"""CoreML: Core ML itself on a Mac, our interpreter of the saved program elsewhere (docs/coreml.md)."""

import sys
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from edgewright_train.errors import CheckError, InputError

from ..manifest import Manifest


class _Engine(Protocol):
    def run(self, image_rgb: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """(height, width, 3) -> the program's outputs, with their batch axis."""


class CoreMLRunner:
    """Gives the image as Core ML takes it: the pack says which channel is red, the file what order it wants."""

    def __init__(self, engine: _Engine, manifest: Manifest) -> None:
        if manifest.input.kind != "image":
            raise InputError(f"manifest: input.kind: a coreml pack takes an image, not a {manifest.input.kind}")
        self._engine, self._manifest = engine, manifest

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        bgr = self._manifest.input.preprocess.colour_order == "bgr"
        maps = self._engine.run(network_image[..., ::-1] if bgr else network_image)
        names = [output.name for output in self._manifest.outputs]
        if missing := [name for name in names if name not in maps]:
            raise CheckError(f"{self._manifest.entry}: has no output {missing[0]!r}")
        return {name: maps[name][0] for name in names}


class _Interpreted:
    def __init__(self, package: Path, input_name: str, num_threads: int) -> None:
        from ..mil import Interpreter  # noqa: PLC0415

        torch.set_num_threads(num_threads)
        self._interpreter, self._input_name = Interpreter(package), input_name

    def run(self, image_rgb: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return self._interpreter.run({self._input_name: image_rgb})


class _CoreML:
    """Not verified: it has never run on a Mac.  Core ML chooses its threads itself."""

    def __init__(self, package: Path, input_name: str) -> None:
        import coremltools as ct  # noqa: PLC0415

        self._model = ct.models.MLModel(str(package), compute_units=ct.ComputeUnit.CPU_ONLY)
        self._input_name = input_name

    def run(self, image_rgb: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        from PIL import Image  # noqa: PLC0415

        return self._model.predict({self._input_name: Image.fromarray(np.ascontiguousarray(image_rgb))})


def open_runner(pack: Path, manifest: Manifest, *, num_threads: int = 1) -> CoreMLRunner:
    package, name = pack / manifest.entry, manifest.input.name
    engine: _Engine = _CoreML(package, name) if sys.platform == "darwin" else _Interpreted(package, name, num_threads)
    return CoreMLRunner(engine, manifest)
