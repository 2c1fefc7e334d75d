"""Where a source image lies in the network's, and the way back."""

import numpy as np
import pytest
from pydantic import ValidationError

from edgewright_train.tasks.detect.detections import Detections
from edgewright_train.tasks.segment.decode import LabelMap
from edgewright_train.vision.placement import letterboxed
from edgewright_train.vision.preprocess import Preprocess


def _rule(resize: str = "letterbox", padding: int | None = 114) -> Preprocess:
    return Preprocess(
        width=64, height=48, colour_order="rgb", resize=resize, padding=padding, interpolation="linear",  # type: ignore[arg-type]
        mean=(0.0, 0.0, 0.0), scale=(1.0, 1.0, 1.0),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(50))
def test_a_letterboxed_image_keeps_its_shape_and_touches_two_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network_wh, source_wh = (tuple(int(side) for side in rng.integers(1, 3000, 2)) for _ in range(2))
    placed = letterboxed(network_wh, source_wh)
    sides = (placed.width, placed.height)
    assert all(1 <= side <= limit for side, limit in zip(sides, network_wh, strict=True))
    assert placed.width == network_wh[0] or placed.height == network_wh[1]
    scale = min(network_wh[0] / source_wh[0], network_wh[1] / source_wh[1])
    for side, source in zip(sides, source_wh, strict=True):
        assert side == 1 or abs(side - source * scale) <= 0.5 + 1e-9
    for start, side, limit in zip((placed.left, placed.top), sides, network_wh, strict=True):
        assert limit - side - 2 * start in (0, 1)


def test_what_a_letterboxed_image_leaves_is_padding() -> None:
    image = np.full((30, 10, 3), 200, np.uint8)
    seen = _rule().network_image(image)
    columns = (seen == 200).all((0, 2))
    assert columns.sum() == 16
    assert columns[24:40].all()
    assert (seen[:, ~columns] == 114).all()


def test_a_box_goes_back_to_where_it_was() -> None:
    placed = _rule().placement((400, 100))  # 64 x 16 from row 16 on
    found = Detections(np.float32([[16, 20, 32, 28], [0, 0, 64, 48]]), np.float32([0.9, 0.8]), np.array([0, 0]))
    np.testing.assert_array_equal(found.to_source(placed).boxes_xyxy, [[100, 25, 200, 75], [0, 0, 400, 100]])


def test_a_label_map_goes_back_without_its_padding() -> None:
    labels = np.full((12, 16), 9, np.uint16)  # a quarter of the network's sides
    labels[4:8] = np.arange(4)[:, None]
    seen = LabelMap(labels).to_source(_rule().placement((400, 100))).labels
    np.testing.assert_array_equal(seen, np.repeat(np.arange(4), 25)[:, None] * np.ones(400, int))


_RULES = [("letterbox", 114), ("stretch", None)]
_SOURCES_WH = [(300, 90), (90, 300), (64, 48), (33, 500), (1200, 900)]


@pytest.mark.parametrize(("resize", "padding"), _RULES)
@pytest.mark.parametrize("source_wh", _SOURCES_WH)
def test_what_the_network_sees_lies_where_the_source_has_it(
    resize: str, padding: int | None, source_wh: tuple[int, int]
) -> None:
    """A bright box is drawn into the source, found in the network's image, and sent back: as a box and as a mask."""
    width, height = source_wh
    rule = _rule(resize, padding)
    placed = rule.placement(source_wh)
    box = np.array([width // 5, height // 4, width - width // 3, height - height // 6])
    source = np.zeros((height, width, 3), np.uint8)
    source[box[1] : box[3], box[0] : box[2]] = 255
    is_bright = rule.network_image(source)[..., 0] > 127
    rows, columns = np.nonzero(is_bright)
    found = np.float32([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    back = Detections(found, np.ones(1, np.float32), np.zeros(1, np.int64)).to_source(placed).boxes_xyxy[0]
    pixel = np.array([width / placed.width, height / placed.height] * 2)  # of the network, in the source
    assert (np.abs(back - box) <= np.maximum(pixel, 1)).all()

    mask = LabelMap(is_bright.astype(np.uint16)).to_source(placed).labels
    assert mask.shape == (height, width)
    inner = [slice(int(box[i] + pixel[i] + 1), int(max(box[i], box[i + 2] - pixel[i] - 1))) for i in (1, 0)]
    assert mask[inner[0], inner[1]].all()
    outer = [slice(int(max(0, box[i] - pixel[i] - 1)), int(box[i + 2] + pixel[i] + 1)) for i in (1, 0)]
    mask[outer[0], outer[1]] = 0
    assert not mask.any()


@pytest.mark.parametrize(("resize", "padding"), [("letterbox", None), ("stretch", 114), ("letterbox", 256)])
def test_padding_belongs_to_letterbox(resize: str, padding: int | None) -> None:
    with pytest.raises(ValidationError, match="padding"):
        _rule(resize, padding)
