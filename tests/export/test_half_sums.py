"""The limits of fp16 packs hold for half-precision arithmetic, and not for kernels that are wrong."""

from pathlib import Path

import pytest
import torch
from half_sums import convolve_in_half, run_in_half
from shared_material import SHARED, needs_shared
from torch.nn.functional import conv2d

from edgewright_export.capture import capture, runnable
from edgewright_export.parity import TOLERANCES, compare
from edgewright_export.source import load_source
from edgewright_train.commands.import_weights import main as import_main


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize(
    "options", [{}, {"stride": (2, 2), "padding": (1, 1)}, {"dilation": (2, 1), "padding": (0, 2)}]
)
def test_a_convolution_in_half_is_the_convolution_but_for_rounding(
    groups: int, options: dict[str, tuple[int, int]]
) -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 8, 11, 9).half(), torch.randn(16, 8 // groups, 3, 3).half(), torch.randn(16).half()
    expected = conv2d(x.double(), weight.double(), bias.double(), groups=groups, **options)
    computed = convolve_in_half(x, weight, bias, groups=groups, **options)  # type: ignore[arg-type]
    assert computed.dtype == torch.half
    assert computed.shape == expected.shape
    error = (computed.double() - expected).abs().max() / expected.abs().max()
    roundings = weight[0].numel() + 1
    assert 0 < error < roundings * 2.0**-11


@pytest.mark.slow
@needs_shared
def test_the_published_weights_stay_within_the_limits_when_sums_are_in_half(tmp_path: Path) -> None:
    """With a factor of five to spare; `-rP` prints the cosines (docs/ncnn.md)."""
    published = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    weights = tmp_path / "coco.safetensors"
    assert import_main(["--model=yolo-fastestv2", f"--weights={published}", f"--out={weights}"]) == 0
    source = load_source(weights, None, {})
    header = source.checkpoint.header
    graph = runnable(capture(header.architecture.deploy(source.checkpoint.network), header.width, header.height))
    limits = TOLERANCES["detect"]["fp16"]
    assert limits.min_cosine is not None
    for name, case in source.golden.items():
        image = torch.from_numpy(source.preprocess.normalise(case.network_image))
        found = compare(case.maps, dict(run_in_half(graph, tuple(case.maps), image)), source.decode, limits)
        print(f"{name}: cosine {found.cosine:.6f}, largest error {found.max_error:.1e}")
        assert not found.problem
        assert 1 - found.cosine < (1 - limits.min_cosine) / 5
