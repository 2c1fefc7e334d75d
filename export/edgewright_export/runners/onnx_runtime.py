"""ONNX through onnxruntime's CPU provider."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from ..manifest import Manifest, Precision

# On x86 without VNNI, kernels for uint8 and int8 would add pairs of products in 16 bits, and saturate.  Not for w8:
# asked for this, onnxruntime 1.31 makes a mistake with weights in int8 that are used in float, and refuses the model.
_EXACT_SUMS = ("session.x64quantprecision", "1")
_IN_INTEGERS: tuple[Precision, ...] = ("int8", "mixed")


class OnnxRunner:
    """Float32 input and outputs, whatever the precision inside."""

    def __init__(self, pack: Path, manifest: Manifest, *, num_threads: int) -> None:
        self._manifest = manifest
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        if manifest.precision in _IN_INTEGERS:
            options.add_session_config_entry(*_EXACT_SUMS)
        try:
            self._session = onnxruntime.InferenceSession(
                str(pack / manifest.entry), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises many kinds, all derived from Exception alone
            raise CheckError(f"{pack / manifest.entry}: onnxruntime cannot load it: {error}") from None

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return self.infer(self._manifest.input.preprocess.normalise(network_image))

    def infer(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """(1, 3, height, width), normalised: the network alone."""
        names = [output.name for output in self._manifest.outputs]
        maps = self._session.run(names, {self._manifest.input.name: tensor})
        return {name: value[0] for name, value in zip(names, maps, strict=True)}


def open_runner(pack: Path, manifest: Manifest, *, num_threads: int = 1) -> OnnxRunner:
    return OnnxRunner(pack, manifest, num_threads=num_threads)
