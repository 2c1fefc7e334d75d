"""Whole compressed networks: what the interpreter decodes is, to the bit, what coremltools decompresses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import coremltools.optimize as cto
import numpy as np
import pytest
import torch
from mil_cases.programs import convert, operations_of, random
from torch import nn

from edgewright_export.mil import Interpreter
from edgewright_export.mil.package import Package

SHAPE = (1, 8, 12, 10)
Compress = Callable[[Any], Any]


def _linear(**options: Any) -> Compress:
    config = cto.coreml.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=0, **options)
    return lambda model: cto.coreml.linear_quantize_weights(model, cto.coreml.OptimizationConfig(config))


def _palettes(**options: Any) -> Compress:
    config = cto.coreml.OpPalettizerConfig(mode="uniform", weight_threshold=0, **options)
    return lambda model: cto.coreml.palettize_weights(model, cto.coreml.OptimizationConfig(config))


def _pruned(**options: Any) -> Compress:
    config = cto.coreml.OpMagnitudePrunerConfig(weight_threshold=0, **options)
    return lambda model: cto.coreml.prune_weights(model, cto.coreml.OptimizationConfig(config))


METHODS = {
    "linear int8": ("constexpr_affine_dequantize", ct.target.iOS16, _linear(dtype="int8")),
    "linear uint8": ("constexpr_affine_dequantize", ct.target.iOS16, _linear(dtype="uint8")),
    "palette of 6 bits": ("constexpr_lut_to_dense", ct.target.iOS16, _palettes(nbits=6)),
    "half of the weights": ("constexpr_sparse_to_dense", ct.target.iOS16, _pruned(target_sparsity=0.5)),
    "int4 in blocks of 8": (
        "constexpr_blockwise_shift_scale", ct.target.iOS18,
        _linear(dtype="int4", granularity="per_block", block_size=8),
    ),
    "palettes of 4 bits for groups of 8": (
        "constexpr_lut_to_dense", ct.target.iOS18,
        _palettes(nbits=4, granularity="per_grouped_channel", group_size=8),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("operation", "target", "compress"), METHODS.values(), ids=METHODS.keys())
def test_compressed_weights_decode_as_coremltools_decompresses_them(
    tmp_path: Path, operation: str, target: ct.target, compress: Compress
) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 24, 1)).eval()
    exported = torch.export.export(network, (torch.zeros(SHAPE),)).run_decompositions({})
    compressed = compress(convert(exported, minimum_deployment_target=target, compute_precision=ct.precision.FLOAT16))
    outputs = []
    for name, model in (("compressed", compressed), ("dense", cto.coreml.decompress_weights(compressed))):
        package = tmp_path / f"{name}.mlpackage"
        model.save(str(package))
        used = {op.type for op in operations_of(Package(package).model)}
        assert (operation in used) == (name == "compressed")
        interpreter = Interpreter(package)
        outputs.append(interpreter.run({interpreter.inputs[0].name: random(*SHAPE)}).popitem()[1])
    np.testing.assert_array_equal(outputs[0], outputs[1])
