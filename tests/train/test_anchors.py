"""Anchors fitted to box sizes."""

import numpy as np
import pytest

from edgewright_train.errors import InputError
from edgewright_train.tasks.detect.anchors import by_scale, fit_anchors, size_iou


def clusters(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Six centres, sorted by width, and 40 sizes near each."""
    rng = np.random.default_rng(seed)
    centres = np.array([[8, 12], [20, 18], [34, 70], [60, 40], [110, 120], [220, 90]], float)
    return centres, np.concatenate([centre * rng.uniform(0.93, 1.07, (40, 2)) for centre in centres])


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_sizes_the_boxes_gather_around(seed: int) -> None:
    centres, sizes = clusters(seed)
    np.testing.assert_allclose(fit_anchors(sizes, 6, seed=seed), centres, rtol=0.05)


def test_is_deterministic_and_sorted_by_width() -> None:
    sizes = np.random.default_rng(0).uniform(4, 300, (500, 2))
    anchors = fit_anchors(sizes, 6, seed=3)
    np.testing.assert_array_equal(anchors, fit_anchors(sizes, 6, seed=3))
    assert (np.diff(anchors[:, 0]) >= 0).all()


def test_no_anchor_is_left_without_boxes_even_when_most_boxes_are_equal() -> None:
    sizes = np.concatenate((np.full((1000, 2), 30.0), [[5, 5], [10, 90], [90, 10], [200, 200], [31, 30]]))
    for seed in range(10):
        anchors = fit_anchors(sizes, 6, seed=seed)
        assert np.isfinite(anchors).all()
        assert len(np.unique(size_iou(sizes, anchors).argmax(1))) == 6


def test_too_few_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="6 anchors need as many box sizes, the data has 1"):
        fit_anchors(np.full((50, 2), 30.0), 6)


def test_deals_anchors_out_to_scales_in_order() -> None:
    anchors = np.arange(12, dtype=float).reshape(6, 2) + 0.123
    assert by_scale(anchors, (2, 4))[0] == ((0.12, 1.12), (2.12, 3.12))
    assert len(by_scale(anchors, (2, 4))[1]) == 4
