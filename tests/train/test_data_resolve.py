"""`DATA` is recognised or refused with what was looked for; never guessed."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from shared_material import SHARED, needs_shared

from edgewright_train.data.dataset_toml import toml_offers
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.data.splits import ALL
from edgewright_train.errors import InputError

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "data.md"
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 6}],
    "categories": [{"id": 1, "name": "dot"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}],
}


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.zeros((6, 8, 3), np.uint8))[1].tobytes())


@pytest.fixture
def coco_folder(tmp_path):
    write_image(tmp_path / "images" / "a.png")
    write_text(tmp_path / "instances.json", json.dumps(COCO))
    return tmp_path


@pytest.fixture
def yolo_folder(tmp_path):
    write_image(tmp_path / "images" / "a.png")
    write_text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.5 0.5\n")
    return tmp_path


@pytest.mark.parametrize("nothing", [None, "", "generated"])
def test_nothing_given_is_the_generated_data_set(nothing):
    assert list_splits(nothing) == ("train", "val", "test")
    dataset = open_split(nothing, "val")
    assert dataset.image(0).shape == (352, 352, 3)
    assert dataset.fingerprint != open_split(nothing, "train").fingerprint


def test_a_coco_file_and_its_folder_are_the_same_for_every_split(coco_folder):
    for data in (coco_folder, coco_folder / "instances.json"):
        assert list_splits(str(data)) == (ALL,)
        assert len(open_split(str(data), "val")) == len(open_split(str(data), "train")) == 1


def test_the_layout_of_coco_itself_is_recognised(tmp_path):
    for split in ("train2017", "val2017"):
        write_image(tmp_path / split / "a.png")
        write_text(tmp_path / "annotations" / f"instances_{split}.json", json.dumps(COCO))
    assert list_splits(str(tmp_path)) == ("train", "val")
    assert open_split(str(tmp_path), "val").source(0) == str(tmp_path / "val2017" / "a.png")


def test_coco_files_that_do_not_tell_their_split_are_refused(coco_folder):
    write_text(coco_folder / "instances_more.json", json.dumps(COCO))
    with pytest.raises(
        InputError, match=r"cannot tell which split it is among .*instances_more.json; write a dataset.toml"
    ):
        list_splits(str(coco_folder))


def test_a_dataset_toml_names_coco_splits_relative_to_itself(coco_folder):
    write_text(
        coco_folder / "sets" / "dataset.toml",
        'format = "coco"\n[val]\nimages = "../images"\nannotations = "../instances.json"\n',
    )
    for data in (coco_folder / "sets", coco_folder / "sets" / "dataset.toml"):
        assert list_splits(str(data)) == ("val",)
        assert len(open_split(str(data), "val")) == 1
    with pytest.raises(InputError, match=r"SPLIT=train: DATA=.*sets has the splits val"):
        open_split(str(coco_folder / "sets"), "train")


def test_a_dataset_toml_decides_what_a_folder_is(coco_folder):
    write_text(coco_folder / "dataset.toml", 'format = "shapes"\nseed = 9\nwidth = 96\nheight = 64\nval = 5\n')
    dataset = open_split(str(coco_folder), "val")
    assert len(dataset) == 5
    assert dataset.image(0).shape == (64, 96, 3)


def test_a_data_file_its_folder_and_its_toml_are_the_same(yolo_folder):
    write_text(yolo_folder / "all.txt", "images/a.png\n")
    write_text(yolo_folder / "x.data", "classes = 1\ntrain = all.txt\n")
    write_text(yolo_folder / "other" / "dataset.toml", 'format = "darknet"\ndata = "../x.data"\n')
    prints = {open_split(str(yolo_folder / place), "train").fingerprint for place in ("x.data", "other")}
    assert len(prints) == 1


def test_a_folder_of_images_and_labels_is_recognised(yolo_folder):
    assert list_splits(str(yolo_folder)) == (ALL,)
    assert len(open_split(str(yolo_folder), "val").annotation(0).boxes_xyxy) == 1


def test_a_folder_that_could_be_two_things_is_refused(yolo_folder):
    write_text(yolo_folder / "instances.json", json.dumps(COCO))
    with pytest.raises(InputError, match=r"could be read as .*instances.json or as .*images and labels; give one file"):
        open_split(str(yolo_folder), "val")


def test_unknown_data_says_what_was_looked_for(tmp_path):
    write_text(tmp_path / "notes.txt", "hello")
    with pytest.raises(
        InputError, match=r"no such file or folder; give a dataset.toml, a .data file, COCO annotations"
    ):
        open_split(str(tmp_path / "gone"), "val")
    with pytest.raises(InputError, match=r"notes.txt: unknown kind of file; give a dataset.toml"):
        open_split(str(tmp_path / "notes.txt"), "val")
    with pytest.raises(
        InputError, match=r"not recognised as a data set; looked for dataset.toml, \*.data, instances\*.json"
    ):
        open_split(str(tmp_path), "val")


KNOWN = "format: must be one of coco, darknet, lightnet, voc, folders, csv, masks, webdataset, shapes"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"{KNOWN}, got None"),
        (
            'format = "kitti"',
            f"{KNOWN}, got 'kitti'",
        ),
        ("format = []", rf"{KNOWN}, got \[\]"),
        ('format = "coco"', r"names no images; give at least one of the tables \[train\], \[val\], \[test\]"),
        ('format = "coco"\n[dev]\nimages = "x"', r"dev: unknown key"),
        ('format = "coco"\n[val]\nimages = "x"', r"val.annotations: missing"),
        ('format = "coco"\n[val]\nimages = 3\nannotations = "x"', r"val.images: .*string \(got 3\)"),
        ('format = "darknet"', r"data: missing"),
        ('format = "darknet"\ndata = "gone.data"', r"gone.data: No such file"),
        ('format = "shapes"\nval = 0', r"val: .*greater than or equal to 1 \(got 0\)"),
        ('format = "shapes"\nwidth = 20', r"width: .*greater than or equal to 64 \(got 20\)"),
        ('format = "shapes"\ncount = 20', r"count: unknown key"),
        ('format = "shapes"\nseed = 1979-05-27', r"seed: .*integer \(got '1979-05-27'\)"),
        ('format = "shapes"\nseed = nan', r"seed: .*integer"),
        ("format = ", r"not valid TOML"),
    ],
)
def test_a_wrong_dataset_toml_is_named_by_key(tmp_path, text, message):
    write_text(tmp_path / "dataset.toml", text)
    with pytest.raises(InputError, match=message) as caught:
        list_splits(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", MANUAL.read_text(), re.DOTALL))
def test_the_examples_of_the_manual_are_valid(tmp_path, example):
    write_text(tmp_path / "dataset.toml", example)
    write_text(tmp_path / "x.data", "classes = 1\nvalid = list.txt\n")
    write_text(tmp_path / "list.txt", "")
    offers = toml_offers(tmp_path / "dataset.toml")
    assert offers
    assert all("val" in splits for splits in offers.values())


@needs_shared
def test_recognises_real_folders():
    for name, num_images in {"coco_val2017_dev": 177, "coco_train2017_128": 128}.items():
        assert len(open_split(str(SHARED / "data" / name), "val")) == num_images
