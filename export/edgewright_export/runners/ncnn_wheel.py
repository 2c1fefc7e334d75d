"""NCNN through its Python wheel, with the arithmetic that the pack's precision asks for."""

from pathlib import Path

import ncnn
import numpy as np
from numpy.typing import NDArray

from edgewright_train.errors import CheckError

from ..manifest import Manifest


class NcnnRunner:
    """fp16 packs use half-precision storage and arithmetic where the CPU has it; all others compute in fp32 or int8.

    An int8, mixed or w8 pack may store float weights in half precision, yet must not compute in it: whether a CPU can
    would decide what a value is rounded to before it becomes a code.
    """

    def __init__(self, pack: Path, manifest: Manifest, *, num_threads: int) -> None:
        self._manifest = manifest
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = num_threads
        options.use_vulkan_compute = False
        options.use_bf16_storage = False
        half = manifest.precision == "fp16"
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = half
        param = pack / manifest.entry
        if self._net.load_param(str(param)) != 0 or self._net.load_model(str(param.with_suffix(".bin"))) != 0:
            raise CheckError(f"{param}: ncnn cannot load it")

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        tensor = self._manifest.input.preprocess.normalise(network_image)[0]
        extractor = self._net.create_extractor()
        image = ncnn.Mat(tensor).clone()  # memory of its own: a first layer that works in place would crash on ours
        if extractor.input(self._manifest.input.name, image) != 0:
            raise CheckError(f"ncnn has no input blob {self._manifest.input.name!r}")
        return {output.name: self._extract(extractor, output.name) for output in self._manifest.outputs}

    @staticmethod
    def _extract(extractor: "ncnn.Extractor", name: str) -> NDArray[np.float32]:
        status, blob = extractor.extract(name)
        if status != 0:
            raise CheckError(f"ncnn could not compute output blob {name!r} (status {status})")
        return np.array(blob, dtype=np.float32)


def open_runner(pack: Path, manifest: Manifest, *, num_threads: int = 1) -> NcnnRunner:
    return NcnnRunner(pack, manifest, num_threads=num_threads)
