"""COCO annotations: read as they are, and every wrong field named by file and id."""

import copy
import json
import shutil

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.data.formats.coco import open_coco
from edgewright_train.data.problems import Problems
from edgewright_train.errors import InputError

DOCUMENT = {
    "images": [
        {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
        {"id": 3, "file_name": "b.png", "width": 20, "height": 10},
    ],
    "categories": [{"id": 5, "name": "dog"}, {"id": 2, "name": "cat"}],
    "annotations": [
        {"id": 10, "image_id": 7, "category_id": 5, "bbox": [1.5, 2, 10, 20], "area": 120.5, "iscrowd": 0},
        {"id": 11, "image_id": 7, "category_id": 2, "bbox": [0, 0, 40, 30], "iscrowd": 1},
    ],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for image in DOCUMENT["images"]:
        pixels = np.full((image["height"], image["width"], 3), image["id"], np.uint8)
        (tmp_path / "images" / image["file_name"]).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return tmp_path


def opened(folder, document):
    path = folder / "instances.json"
    path.write_text(json.dumps(document))
    return open_coco(path, folder / "images", Problems())


def changed(part, position, **fields):
    document = copy.deepcopy(DOCUMENT)
    document[part][position].update(fields)
    return document


def test_reads_boxes_crowds_areas_and_images_without_annotations(folder):
    dataset = opened(folder, DOCUMENT)
    assert dataset.labels == ("cat", "dog")
    assert len(dataset) == 2
    first, second = dataset.annotation(0), dataset.annotation(1)
    np.testing.assert_array_equal(first.boxes_xyxy, [[1.5, 2, 11.5, 22], [0, 0, 40, 30]])
    np.testing.assert_array_equal(first.class_indices, [1, 0])
    np.testing.assert_array_equal(first.is_crowd, [False, True])
    np.testing.assert_array_equal(first.areas_px, [120.5, 1200])
    assert (first.image_id, first.width, first.height) == (7, 40, 30)
    assert second.boxes_xyxy.shape == (0, 4)
    assert second.image_id == 3
    assert (dataset.image(1) == 3).all()
    assert dataset.source(0).endswith("a.png")


def test_finds_the_images_beside_the_annotations(folder):
    layouts = {
        "instances.json": "images",
        "annotations/instances_val2017.json": "val2017",
        "annotations/instances_test.json": "images/test",
    }
    for place, images in layouts.items():
        root = folder / place.replace("/", "-")
        shutil.copytree(folder / "images", root / images)
        (root / place).parent.mkdir(exist_ok=True)
        (root / place).write_text(json.dumps(DOCUMENT))
        assert (open_coco(root / place, None, Problems()).image(0) == 7).all()


def test_says_where_it_looked_for_images(folder):
    path = folder / "instances.json"
    path.write_text(json.dumps(changed("images", 0, file_name="gone.png")))
    with pytest.raises(InputError, match=r"first image, 'gone.png', is in none of .*images.*write a dataset.toml"):
        open_coco(path, None, Problems())


def test_a_byte_order_mark_and_crlf_do_not_matter(folder):
    path = folder / "instances.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(DOCUMENT, indent=1).replace("\n", "\r\n").encode())
    assert len(open_coco(path, None, Problems())) == 2


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (changed("annotations", 1, category_id=99), r"annotations\[id 11\].category_id: .* id 99; known: \[2, 5\]"),
        (changed("annotations", 1, image_id=8), r"annotations\[id 11\].image_id: no image has the id 8"),
        (changed("annotations", 0, bbox=[1, 2, -3, 4]), r"annotations\[id 10\].bbox: .* not be negative, got .*-3"),
        (changed("annotations", 0, bbox=[1, 2, float("nan"), 4]), r"annotations\[id 10\].bbox: must be four numbers"),
        (changed("annotations", 0, bbox=[1, 2, 3]), r"annotations\[id 10\].bbox: must be four numbers .* \[1, 2, 3\]"),
        (changed("annotations", 0, bbox=["1", 2, 3, 4]), r"annotations\[id 10\].bbox: must be four numbers"),
        (changed("annotations", 0, bbox=[41, 2, 3, 4]), r"annotations\[id 10\].bbox: lies outside its image"),
        (changed("annotations", 0, bbox=[-9, 2, 3, 4]), r"annotations\[id 10\].bbox: lies outside its image"),
        (changed("annotations", 0, area=-1), r"annotations\[id 10\].area: must be a number of at least 0, got -1"),
        (changed("annotations", 0, iscrowd=2), r"annotations\[id 10\].iscrowd: must be 0 or 1, got 2"),
        (changed("annotations", 0, id=11), r"annotations\[1\].id: 11 is used twice"),
        (changed("annotations", 0, id="10"), r"annotations\[0\].id: must be a whole number, got \"10\""),
        (changed("images", 0, id=3), r"images\[1\].id: 3 is used twice"),
        (changed("images", 0, width=0), r"images\[id 7\].width: must be 1 to 16384, got 0"),
        (changed("images", 0, height=None), r"images\[id 7\].height: must be 1 to 16384, got null"),
        (changed("images", 1, file_name="c.png"), r"c.png: no such file \(image id 3 of "),
        (changed("images", 1, file_name="../b.png"), r"images\[id 3\].file_name: must be a path inside"),
        (changed("images", 1, file_name="/b.png"), r"images\[id 3\].file_name: must be a path inside"),
        (changed("categories", 1, id=5), r"categories\[1\].id: 5 is used twice"),
        (changed("categories", 1, name=""), r"categories\[id 2\].name: must be text, got \"\""),
        (DOCUMENT | {"images": []}, r"instances.json: images: empty"),
        (DOCUMENT | {"annotations": []}, r"instances.json: annotations: empty"),
        (DOCUMENT | {"categories": []}, r"instances.json: categories: empty"),
        (DOCUMENT | {"categories": None}, r"instances.json: categories: must be a list, got null"),
        ([], r"a JSON object, got list"),
    ],
)
def test_names_what_is_wrong(folder, document, message):
    with pytest.raises(InputError, match=message):
        opened(folder, document)


def test_lists_ten_problems_and_counts_the_rest(folder):
    document = copy.deepcopy(DOCUMENT)
    document["annotations"] = [DOCUMENT["annotations"][0] | {"id": n, "category_id": 0} for n in range(14)]
    with pytest.raises(InputError) as caught:
        opened(folder, document)
    lines = str(caught.value).splitlines()
    assert lines[0] == "14 problems:"
    assert len(lines) == 12
    assert lines[-1].strip() == "and 4 more"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"images": ' + b"9" * 5000])
def test_broken_json_is_an_error_of_the_file(folder, text):
    path = folder / "instances.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"instances.json: "):
        open_coco(path, None, Problems())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([("images", "id"), ("images", "file_name"), ("images", "width"), ("categories", "id")])
    | st.sampled_from(
        [("annotations", field) for field in ("id", "image_id", "category_id", "bbox", "area", "iscrowd")]
    ),
    JSON_VALUES,
)
def test_any_value_anywhere_is_read_or_refused(folder, place, value):
    part, field = place
    try:
        dataset = opened(folder, changed(part, 0, **{field: value}))
    except InputError:
        return
    for index in range(len(dataset)):
        assert np.isfinite(dataset.annotation(index).boxes_xyxy).all()


def test_a_truncated_image_is_an_error_when_it_is_read(folder):
    dataset = opened(folder, DOCUMENT)
    path = folder / "images" / "b.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=r"b.png: not a readable image"):
        dataset.image(1)


def test_an_image_of_another_size_than_annotated_is_an_error(folder):
    dataset = opened(folder, changed("images", 0, width=41))
    with pytest.raises(InputError, match=r"a.png: the image is 40x30, its annotation says 41x30"):
        dataset.image(0)


def test_the_fingerprint_follows_pixels_boxes_and_labels_but_not_names_of_files(folder, tmp_path):
    before = opened(folder, DOCUMENT).fingerprint
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    (moved / "images" / "a.png").rename(moved / "images" / "z.png")
    assert opened(moved, changed("images", 0, file_name="z.png")).fingerprint == before
    variants = [
        changed("annotations", 0, bbox=[1.5, 2, 10, 19], area=120.5),
        changed("annotations", 0, area=121),
        changed("annotations", 1, iscrowd=0),
        changed("annotations", 0, category_id=2),
        changed("categories", 0, name="hound"),
    ]
    prints = {opened(folder, document).fingerprint for document in variants}
    (folder / "images" / "b.png").write_bytes((folder / "images" / "b.png").read_bytes() + b" ")
    prints.add(opened(folder, DOCUMENT).fingerprint)
    assert len(prints - {before}) == 6


@needs_shared
def test_opens_the_coco_validation_images():
    dataset = open_coco(SHARED / "data" / "coco_val2017_dev" / "instances.json", None, Problems())
    annotations = [dataset.annotation(index) for index in range(len(dataset))]
    assert len(dataset) == 177
    assert sum(len(annotation.boxes_xyxy) for annotation in annotations) == 1279
    assert sum(int(annotation.is_crowd.sum()) for annotation in annotations) == 5
    assert sum(not len(annotation.boxes_xyxy) for annotation in annotations) == 2
    assert len(dataset.labels) == 80
    assert (dataset.labels[0], dataset.labels[79]) == ("person", "toothbrush")
    assert dataset.image(0).shape == (426, 640, 3)
