"""TFLite through LiteRT's interpreter, on the XNNPACK kernels it selects by itself."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from ..manifest import Manifest, ModelOutput


class LiteRtRunner:
    """Calls the model's one signature by the manifest's names."""

    def __init__(self, pack: Path, manifest: Manifest, *, num_threads: int) -> None:
        self._manifest = manifest
        try:
            self._interpreter = Interpreter(model_path=str(pack / manifest.entry), num_threads=num_threads)
            self._run = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            raise CheckError(f"{pack / manifest.entry}: LiteRT cannot load it: {error}") from None

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return self.infer(self._manifest.input.preprocess.normalise(network_image))

    def infer(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """(1, 3, height, width), normalised: the network alone."""
        declared = self._manifest.input
        if declared.layout == "nhwc":
            tensor = np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))
        maps = self._run(**{declared.name: declared.steps.to_codes(tensor) if declared.steps else tensor})
        return {output.name: _reals(maps[output.name][0], output) for output in self._manifest.outputs}


def _reals(value: NDArray[Any], output: ModelOutput) -> NDArray[np.float32]:
    """Channels first."""
    reals = output.steps.to_reals(value) if output.steps else value
    return np.ascontiguousarray(reals.transpose(2, 0, 1)) if output.layout == "nhwc" else reals


def open_runner(pack: Path, manifest: Manifest, *, num_threads: int = 1) -> LiteRtRunner:
    return LiteRtRunner(pack, manifest, num_threads=num_threads)
