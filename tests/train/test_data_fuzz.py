"""Whatever stands in the files of a data set, it is read or refused in words; nothing else ever comes out."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shard_data import boxes, image, write_tar, write_toml
from voc_data import annotation, write_image, write_voc

from edgewright_train.data.problems import Problems
from edgewright_train.data.read_all import read_all
from edgewright_train.data.resolve import open_split
from edgewright_train.errors import InputError

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _index_of_shards(monkeypatch, tmp_path_factory):
    """Written to the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("index"))


def reads_or_refuses(folder, split, task):
    """Both ways: with an error for what is wrong, and leaving it out."""
    for problems in (Problems(), Problems(skip=True)):
        try:
            dataset = open_split(str(folder), split, task, problems)
            for seen in read_all(dataset, task, problems, lambda done, total: None):
                assert seen.image.ndim == 3
        except InputError:
            continue
    for line in problems.found:
        assert line.isascii() or line.encode()


def damaged(data, rng):
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(changed)))
        how = rng.integers(3)
        if how == 0:
            changed[place] = rng.integers(256)
        elif how == 1:
            del changed[place : place + int(rng.integers(1, 40))]
        else:
            changed[place:place] = changed[place : place + int(rng.integers(1, 40))]
        if not changed:
            changed = bytearray(b"x")
    return bytes(changed)


@MANY
@given(st.integers(0, 2**32))
def test_a_damaged_xml_annotation(tmp_path, seed):
    if not (tmp_path / "Annotations").exists():
        write_voc(tmp_path)
    text = annotation([("cat", (1, 1, 3, 2), 0), ("dog", (5, 4, 8, 6), 1)])
    (tmp_path / "Annotations" / "a.xml").write_bytes(damaged(text.encode(), np.random.default_rng(seed)))
    reads_or_refuses(tmp_path, "train", "detect")


@MANY
@given(st.integers(0, 2**32))
def test_a_damaged_shard(tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path / "x-0.tar"
    members = [(f"{n}.{ending}", data) for n in range(3) for ending, data in (("png", image(n)), ("json", boxes()))]
    write_tar(path, members)
    write_toml(tmp_path)
    path.write_bytes(damaged(path.read_bytes(), rng))
    reads_or_refuses(tmp_path, "train", "detect")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([1, "a.png", "cat"]),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.sampled_from(["id", "counts", "size"]), inner),
    max_leaves=8,
)
FIELDS = [
    (table, field)
    for table, fields in {
        "images": ("id", "file_name", "width", "height"),
        "categories": ("id", "name"),
        "annotations": ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation"),
    }.items()
    for field in fields
]


@MANY
@given(st.sampled_from(FIELDS), VALUES, st.sampled_from(["detect", "segment", "classify"]))
def test_any_value_in_any_field_of_coco(tmp_path, place, value, task):
    table, field = place
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 6}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": [1, 1, 3, 3], "area": 9, "iscrowd": 0}
            | {"segmentation": [[1, 1, 4, 1, 4, 4]]}
            for n in range(2)
        ],
    }
    document[table][0][field] = value
    write_image(tmp_path / "images" / "a.png")
    (tmp_path / "instances.json").write_text(json.dumps(document))
    reads_or_refuses(tmp_path, "val", task)


@MANY
@given(st.text(max_size=60), st.sampled_from(["masks", "voc"]))
def test_any_list(tmp_path, text, kind):
    if kind == "voc":
        write_voc(tmp_path)
        (tmp_path / "ImageSets" / "Main" / "train.txt").write_text(text)
    else:
        (tmp_path / "x.txt").write_text(text)
        (tmp_path / "dataset.toml").write_text('format = "masks"\nclasses = ["a"]\n[train]\npairs = "x.txt"\n')
    reads_or_refuses(tmp_path, "train", "segment")
