"""SSD's maps and priors are the published ones, and fit each other at any size."""

import numpy as np
import pytest
import torch
from edgenets_material import FIXTURES, NETWORKS, random_image, synthetic_tensors
from numpy.typing import NDArray
from shared_material import needs_shared
from torch import Tensor

from edgewright_train.importers import edgenets
from edgewright_train.models.espnetv2 import EspnetV2Detector
from edgewright_train.models.ssd import NUM_PRIORS, priors_wh, split_maps, strides


def all_priors(grids_hw: list[tuple[int, int]], width: int, height: int) -> NDArray[np.float64]:
    """(A, 4) centre x, centre y, width, height in 0..1, in the order of `split_maps`."""
    found = []
    for (rows, columns), (stride_x, stride_y), shapes in zip(
        grids_hw, strides(width, height), priors_wh(width, height), strict=True
    ):
        y, x, a = np.indices((rows, columns, NUM_PRIORS)).reshape(3, -1)
        centres = np.stack(((x + 0.5) * stride_x / width, (y + 0.5) * stride_y / height), 1)
        found.append(np.concatenate((np.minimum(centres, 1), np.array(shapes)[a]), 1))
    return np.concatenate(found)


def grids_of(maps: tuple[Tensor, ...]) -> list[tuple[int, int]]:
    return [(single.shape[2], single.shape[3]) for single in maps]


@needs_shared
@pytest.mark.parametrize(
    ("size", "grids"), [(300, (38, 19, 10, 5, 3, 1)), (512, (64, 32, 16, 8, 4, 1))], ids=["300", "512"]
)
def test_priors_are_the_published_ones(size: int, grids: tuple[int, ...]) -> None:
    expected = np.load(FIXTURES / "synthetic_detection.npz")[f"priors_{size}"]
    np.testing.assert_allclose(all_priors([(g, g) for g in grids], size, size), expected, rtol=0, atol=1e-6)


@needs_shared
@pytest.mark.parametrize(
    ("scale", "size"),
    [("0.5", 300), ("0.5", 512), ("2.0", 300), ("2.0", 512)],
)
def test_a_detector_gives_the_published_offsets_and_logits(scale: str, size: int) -> None:
    tensors, num_classes = edgenets.convert("espnetv2", scale, "detect")(
        synthetic_tensors("espnetv2", "detect", scale, 20), "synthetic"
    )
    assert num_classes == 20
    network = EspnetV2Detector(scale, num_classes).eval()
    network.load_state_dict(tensors)
    fixture = np.load(FIXTURES / "synthetic_detection.npz")
    with torch.no_grad():
        offsets, logits = split_maps(network(random_image(0, size, size)))
    assert list(logits.shape) == fixture[f"espnetv2_s{scale}_{size}_shape"].tolist()
    for found, name in ((offsets, "loc"), (logits, "conf")):
        expected = fixture[f"espnetv2_s{scale}_{size}_{name}_s37"]
        np.testing.assert_allclose(found[0, ::37].numpy(), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("family", "scale"), [("espnetv2", "0.5"), ("dicenet", "0.2"), ("dicenet", "0.75")])
@pytest.mark.parametrize("size_wh", [(300, 300), (320, 192), (130, 97)])
def test_maps_and_priors_fit_each_other_at_any_size(family: str, scale: str, size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    with torch.no_grad():
        maps = NETWORKS[family, "detect"](scale, 3).eval()(torch.randn(1, 3, height, width))
    assert {single.shape[1] for single in maps} == {NUM_PRIORS * (4 + 3 + 1)}
    offsets, logits = split_maps(maps)
    priors = all_priors(grids_of(maps), width, height)
    assert offsets.shape == (1, len(priors), 4)
    assert logits.shape == (1, len(priors), 4)
    assert priors.min() > 0
    assert priors.max() <= 1
    for (rows, columns), (stride_x, stride_y) in zip(grids_of(maps), strides(width, height), strict=True):
        assert (columns - 1) * stride_x < width <= columns * stride_x
        assert (rows - 1) * stride_y < height <= rows * stride_y


def test_a_map_holds_the_offsets_of_each_prior_and_then_its_logits() -> None:
    num_classes, rows, columns = 2, 3, 2
    values = torch.arange(NUM_PRIORS * (4 + num_classes + 1) * rows * columns).float()
    single = values.view(1, -1, rows, columns)
    offsets, logits = split_maps((single,))
    row, column, prior = 2, 1, 4
    index = (row * columns + column) * NUM_PRIORS + prior
    assert torch.equal(offsets[0, index], single[0, 4 * prior : 4 * prior + 4, row, column])
    first = 4 * NUM_PRIORS + 3 * prior
    assert torch.equal(logits[0, index], single[0, first : first + 3, row, column])
