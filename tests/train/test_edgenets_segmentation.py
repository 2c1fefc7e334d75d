"""The published segmentation checkpoints come in whole and give the published label maps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from edgenets_material import FIXTURES, NETWORKS
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared
from torch import Tensor

from edgewright_train.importers import edgenets
from edgewright_train.importers.torch_pickle import read_state_dict

CHECKPOINTS = sorted((SHARED / "weights" / "edgenets-segmentation").glob("*.pth"))

MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))


def image(data_set: str) -> Tensor:
    pixels = np.load(FIXTURES / "seg_inputs.npz")[f"image_{data_set}_u8_rgb"]
    normalised = ((pixels / 255 - MEAN) / STD).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(normalised.transpose(2, 0, 1)[None]))


def noise(data_set: str) -> Tensor:
    shape = {"pascal": (1, 3, 256, 256), "city": (1, 3, 256, 512)}[data_set]
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def top_two_gap(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    ordered = np.sort(logits, 0)
    return ordered[-1] - ordered[-2]


@needs_shared
@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_a_published_checkpoint_gives_the_published_labels_and_logits(path: Path) -> None:
    family, _, scale, data_set, _ = path.stem.split("_")
    tensors, num_classes = edgenets.convert(family, scale, "segment")(read_state_dict(path), str(path))
    assert num_classes == {"pascal": 21, "city": 20}[data_set]
    network = NETWORKS[family, "segment"](scale, num_classes).eval()
    network.load_state_dict(tensors)
    expected = np.load(FIXTURES / "seg" / f"{path.stem}.npz")
    for tag, x in (("image", image(data_set)), ("noise", noise(data_set))):
        with torch.no_grad():
            logits = network(x)[0].numpy()
        sampled = expected[f"{tag}_logits_f32_s32"]
        np.testing.assert_allclose(logits[:, ::32, ::32], sampled, rtol=0, atol=1e-4 * np.abs(sampled).max())
        sure = top_two_gap(logits) >= 1e-3
        assert sure.mean() > 0.99
        np.testing.assert_array_equal(logits.argmax(0)[sure], expected[f"{tag}_argmax"][sure])
