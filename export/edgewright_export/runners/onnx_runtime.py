"""ONNX through onnxruntime's CPU provider."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from ..manifest import Manifest


class OnnxRunner:
    """Float32 input and outputs, whatever the precision inside."""

    def __init__(self, pack: Path, manifest: Manifest, *, num_threads: int) -> None:
        self._manifest = manifest
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(pack / manifest.entry), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises many kinds, all derived from Exception alone
            raise CheckError(f"{pack / manifest.entry}: onnxruntime cannot load it: {error}") from None

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        names = [output.name for output in self._manifest.outputs]
        tensor = self._manifest.input.preprocess.normalise(network_image)
        maps = self._session.run(names, {self._manifest.input.name: tensor})
        return {name: value[0] for name, value in zip(names, maps, strict=True)}


def open_runner(pack: Path, manifest: Manifest, *, num_threads: int = 1) -> OnnxRunner:
    return OnnxRunner(pack, manifest, num_threads=num_threads)
