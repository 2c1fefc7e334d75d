"""Label maps from COCO's polygons and run lengths, equal to pycocotools pixel by pixel."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as reference
from pycocotools.coco import COCO
from shared_material import SHARED, needs_shared
from voc_data import write_image

from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.formats.coco_masks import open_coco_masks
from edgewright_train.data.formats.run_lengths import BadRunLengthsError, run_length_mask
from edgewright_train.data.problems import Problems
from edgewright_train.data.resolve import open_images, open_split
from edgewright_train.errors import InputError

SIZE_WH = (12, 9)
SQUARE = [2, 2, 6, 2, 6, 6, 2, 6]


def thing(segmentation, *, category=1, number=1, area=16, crowd=0):
    return {
        "id": number,
        "image_id": 1,
        "category_id": category,
        "bbox": [2, 2, 4, 4],
        "area": area,
        "iscrowd": crowd,
        "segmentation": segmentation,
    }


def write_coco(folder, annotations):
    write_image(folder / "images" / "a.png", SIZE_WH)
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": SIZE_WH[0], "height": SIZE_WH[1]}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}],
        "annotations": annotations,
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(document))
    return path


def label_map(folder, annotations):
    return open_split(str(write_coco(folder, annotations)), "all", "segment").label_map(0)


def expected(segmentation):
    coco = COCO()
    coco.dataset = {
        "images": [{"id": 1, "width": SIZE_WH[0], "height": SIZE_WH[1]}],
        "annotations": [],
        "categories": [],
    }
    coco.createIndex()
    return coco.annToMask(thing(segmentation)).astype(bool)


def run_lengths(mask):
    """As a list; the first run is outside."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat.astype(int), prepend=0))
    return np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_run_lengths_of_both_kinds_are_read_as_pycocotools_reads_them(seed, height, width, density):
    mask = np.random.default_rng(seed).random((height, width)) < density
    text = reference.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(run_length_mask(text, height, width), mask)
    np.testing.assert_array_equal(run_length_mask(run_lengths(mask), height, width), mask)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=30))
def test_text_that_is_no_run_lengths_is_refused_and_nothing_else(text):
    try:
        assert run_length_mask(text, 9, 12).shape == (9, 12)
    except BadRunLengthsError:
        return


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-12, 24), min_size=6, max_size=16))
def test_polygons_are_drawn_as_pycocotools_draws_them(tmp_path_factory, values):
    polygon = np.array(values[: len(values) // 2 * 2])
    polygon[1::2] = np.clip(polygon[1::2], -9, 18)
    if len(polygon) < 6:
        return
    segmentation = [polygon.tolist(), SQUARE]
    found = label_map(tmp_path_factory.mktemp("coco"), [thing(segmentation)])
    np.testing.assert_array_equal(found == 1, expected(segmentation))


def test_categories_follow_a_background(tmp_path):
    path = write_coco(tmp_path, [thing([SQUARE], category=7)])
    dataset = open_coco_masks(path, None, Problems())
    assert dataset.labels == ("background", "cat", "dog")
    assert np.unique(dataset.label_map(0)).tolist() == [0, 2]
    assert dataset.label_map(0).shape == (9, 12)


def test_the_smaller_of_two_objects_has_the_pixels_that_both_claim(tmp_path):
    small, large = [[3, 3, 5, 3, 5, 5, 3, 5]], [[0, 0, 12, 0, 12, 9, 0, 9]]
    one = [thing(small, area=4), thing(large, category=7, number=2, area=108)]
    for annotations in (one, one[::-1]):
        found = label_map(tmp_path, annotations)
        np.testing.assert_array_equal(found == 1, expected(small))
        assert (found > 0).all()


def test_a_crowd_shows_its_class(tmp_path):
    mask = np.zeros((9, 12), bool)
    mask[4:, 1:7] = True
    segmentation = {"size": [9, 12], "counts": run_lengths(mask)}
    np.testing.assert_array_equal(label_map(tmp_path, [thing(segmentation, crowd=1)]) == 1, mask)


def test_the_box_of_an_object_without_a_segmentation_is_ignored(tmp_path):
    found = label_map(tmp_path, [thing([]), thing([[0, 0, 3, 0, 3, 3, 0, 3]], category=7, number=2)])
    assert (found[2:6, 2:6] == IGNORED).sum() == 15
    assert found[2, 2] == 2


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 1, 2, 2]], "a polygon is a list x, y, x, y, x, y, ... of at least three points, got [1, 1, 2, 2]"),
        ([[1, 1, 2, 2, 3, 3, 4]], "a polygon is a list"),
        ([[1, 1, 2, 2, 3, 1e9]], "a polygon lies outside its image of 12x9: 1000000000.0"),
        ([[1, 1, 2, 2, 3, "x"]], "a polygon lies outside its image of 12x9: x"),
        ([[0.5] * 100_002], "more than 100000 coordinates"),
        ("mask.png", "must be a list of polygons, or size and counts, got mask.png"),
        ({"size": [12, 9], "counts": [108]}, "size: must be [9, 12], height and width of the image, got [12, 9]"),
        ({"size": [9, 12], "counts": [107]}, "counts: must be lengths of runs that add up to 12x9 pixels"),
        ({"size": [9, 12], "counts": [-1, 109]}, "counts: must be lengths of runs"),
        ({"size": [9, 12], "counts": "ooo"}, "counts: is cut short"),
        ({"size": [9, 12]}, "counts: must be a list of whole numbers, or text, got 'None'"),
    ],
)
def test_wrong_segmentations_are_named_by_id(tmp_path, segmentation, message):
    with pytest.raises(InputError) as caught:
        label_map(tmp_path, [thing(segmentation)])
    assert f"annotations[id 1].segmentation: {message}" in str(caught.value)


def test_annotations_without_masks_are_good_for_boxes_only(tmp_path):
    path = write_coco(tmp_path, [thing(None)])
    assert len(open_split(str(path), "all").annotation(0).boxes_xyxy) == 1
    with pytest.raises(InputError, match="no annotation has a segmentation; the task segment needs masks"):
        open_split(str(path), "all", "segment")
    assert open_images(str(path), "all", "segment").image(0).shape == (9, 12, 3)
    (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(InputError, match=r"first image, 'a\.png', is in none of"):
        open_images(str(path), "all", "segment")


@needs_shared
def test_published_masks_are_equal_to_those_of_pycocotools():
    data = SHARED / "data" / "coco_val2017_dev"
    dataset = open_split(str(data), "all", "segment")
    coco = COCO(str(data / "instances.json"))
    by_name = {record["file_name"]: image_id for image_id, record in coco.imgs.items()}
    class_of = {category: 1 + index for index, category in enumerate(sorted(coco.cats))}
    compared = 0
    for index in range(len(dataset)):
        records = coco.loadAnns(coco.getAnnIds(by_name[dataset.source(index).rsplit("/", 1)[1]]))
        if not records or any(record.get("segmentation") is None for record in records):
            continue
        wanted = np.zeros(dataset.label_map(index).shape, np.uint8)
        for record in sorted(records, key=lambda record: -record["area"]):
            wanted[coco.annToMask(record).astype(bool)] = class_of[record["category_id"]]
        np.testing.assert_array_equal(dataset.label_map(index), wanted)
        compared += 1
    assert compared > 40
