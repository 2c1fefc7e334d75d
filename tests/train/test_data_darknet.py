"""Darknet data sets: both flavours of `.data`, plain folders, and every wrong label line as file:line."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.data.formats.darknet import darknet_splits, yolo_folder_splits
from edgewright_train.data.formats.darknet_config import read_config
from edgewright_train.data.formats.darknet_labels import label_path, read_labels
from edgewright_train.data.problems import Problems
from edgewright_train.errors import InputError

FLAT = "classes = 2\ntrain = train.txt\nvalid = val.txt\nnames = x.names\nbackup = backup/\n"
SECTIONS = """\
[name]
model_name=coco

[train-configure]
epochs=300
steps=150,250

[model-configure]
pre_weights=None
classes=2
anchors=12.64,19.39, 37.88,51.48

[data-configure]
train=train.txt
val=val.txt
names=./x.names
"""


def write_image(path, width=40, height=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((height, width, 3), np.uint8)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture
def folder(tmp_path):
    """Two training images, one of them with two objects, and a validation image with one."""
    for name in ("train/a.jpg", "train/b.jpg", "val/c.png"):
        write_image(tmp_path / "images" / name)
    write_text(tmp_path / "labels/train/a.txt", "0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.1 0.2\n")
    write_text(tmp_path / "labels/val/c.txt", "1 0.5 0.5 1 1\n")
    write_text(tmp_path / "train.txt", "images/train/a.jpg\nimages/train/b.jpg\n")
    write_text(tmp_path / "val.txt", "images/val/c.png\n")
    write_text(tmp_path / "x.names", "cat\ntraffic light")
    write_text(tmp_path / "x.data", FLAT)
    return tmp_path


@pytest.mark.parametrize("text", [FLAT, SECTIONS])
def test_both_flavours_give_the_same_data_set(folder, text):
    write_text(folder / "x.data", text)
    splits = darknet_splits(folder / "x.data")
    assert list(splits) == ["train", "val"]
    train = splits["train"](Problems())
    assert train.labels == ("cat", "traffic light")
    np.testing.assert_allclose(train.annotation(0).boxes_xyxy, [[10, 5, 30, 15], [8, 3, 12, 7]], atol=1e-5)
    np.testing.assert_array_equal(train.annotation(0).class_indices, [0, 1])
    np.testing.assert_allclose(train.annotation(0).areas_px, [200, 16], rtol=1e-5)
    assert train.image(0).shape == (20, 40, 3)


def test_an_image_with_a_missing_or_empty_label_file_is_kept_without_objects(folder):
    for text in (None, "", "\n  \n# nothing here\n"):
        if text is not None:
            write_text(folder / "labels/train/b.txt", text)
        train = darknet_splits(folder / "x.data")["train"](Problems())
        assert len(train) == 2
        assert train.annotation(1).boxes_xyxy.shape == (0, 4)


def test_byte_order_marks_crlf_and_comments_do_not_matter(folder):
    plain = darknet_splits(folder / "x.data")["train"](Problems())
    for name in ("x.data", "x.names", "train.txt", "labels/train/a.txt"):
        path = folder / name
        lines = path.read_text().split("\n")
        if name != "x.names":
            lines = ["# first", "", *lines, "  # last"]
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    write_text(folder / "x.data", (folder / "x.data").read_text().replace("classes = 2", "classes = 2  # of them"))
    dressed = darknet_splits(folder / "x.data")["train"](Problems())
    assert dressed.labels == plain.labels
    assert dressed.fingerprint == plain.fingerprint


def test_paths_may_hold_dots_spaces_and_several_folders_named_images(tmp_path):
    image = tmp_path / "images.v1.0" / "images" / "set one" / "images" / "photo.no.1.jpg"
    labels = tmp_path / "images.v1.0" / "images" / "set one" / "labels" / "photo.no.1.txt"
    assert label_path(image) == labels
    write_image(image)
    write_text(labels, "0 0.5 0.5 0.5 0.5\n")
    write_text(tmp_path / "list.txt", f"{image}\n")
    write_text(tmp_path / "x.y.data", "classes=1\ntrain=list.txt\n")
    assert len(darknet_splits(tmp_path / "x.y.data")["train"](Problems()).annotation(0).boxes_xyxy) == 1


def test_labels_beside_the_images_are_found(tmp_path):
    write_image(tmp_path / "images" / "a.jpg")
    write_text(tmp_path / "images" / "a.txt", "0 0.5 0.5 0.5 0.5\n")
    assert label_path(tmp_path / "images" / "a.jpg") == tmp_path / "images" / "a.txt"
    assert label_path(tmp_path / "photos" / "a.b.jpg") == tmp_path / "photos" / "a.b.txt"


def test_a_split_may_be_a_folder_of_images(folder):
    write_text(folder / "x.data", FLAT.replace("train.txt", "images/train"))
    assert len(darknet_splits(folder / "x.data")["train"](Problems())) == 2


def test_the_first_of_a_key_given_twice_counts_as_in_darknet(folder):
    write_text(folder / "x.data", FLAT + "train = val.txt\n")
    assert len(darknet_splits(folder / "x.data")["train"](Problems())) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2 0.5 0.5 0.1 0.1", "class index must be a whole number from 0 to 1, got 2"),
        ("-1 0.5 0.5 0.1 0.1", "class index must be a whole number from 0 to 1, got -1"),
        ("0.5 0.5 0.5 0.1 0.1", "class index must be a whole number from 0 to 1, got 0.5"),
        ("nan 0.5 0.5 0.1 0.1", "class index must be a whole number from 0 to 1, got nan"),
        ("0 NaN 0.5 0.1 0.1", "x must be from 0 to 1, relative to the image, got NaN"),
        ("0 0.5 inf 0.1 0.1", "y must be from 0 to 1, relative to the image, got inf"),
        ("0 0.5 0.5 -0.1 0.1", "width must be from 0 to 1, relative to the image, got -0.1"),
        ("0 0.5 0.5 0.1 -3", "height must be from 0 to 1, relative to the image, got -3"),
        ("0 0.5 0.5 0.1", "has 4 columns, must have 5: class index, x, y, width, height"),
        ("0 0.5 0.5 0.1 0.1 0.9", "has 6 columns, must have 5"),
        ("cat 0.5 0.5 0.1 0.1", "class index: must be a number, got 'cat'"),
        ("0 0.5 0.5 wide 0.1", "width: must be a number, got 'wide'"),
        ("0 120 80 40 30", "x must be from 0 to 1, relative to the image, got 120"),
    ],
)
def test_a_wrong_label_line_is_named_by_file_and_line(folder, line, message):
    write_text(folder / "labels/train/a.txt", f"# two objects\n0 0.5 0.5 0.5 0.5\n{line}\n")
    with pytest.raises(InputError) as caught:
        darknet_splits(folder / "x.data")["train"](Problems())
    assert str(caught.value).startswith(f"{folder / 'labels/train/a.txt'}:3: {message}")


def test_the_five_wrong_lines_are_reported_together(folder):
    wrong = "9 .5 .5 .1 .1\n0 nan .5 .1 .1\n0 .5 .5 -1 .1\n0 .5 .5\nhello\n"
    write_text(folder / "labels/train/a.txt", wrong)
    with pytest.raises(InputError) as caught:
        darknet_splits(folder / "x.data")["train"](Problems())
    lines = str(caught.value).splitlines()
    assert lines[0] == "5 problems:"
    assert [line.split("a.txt:")[1].split(":")[0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_label_text_is_read_or_refused(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    problems = Problems()
    boxes, classes = read_labels(path, 3, problems)
    assert len(boxes) == len(classes)
    assert np.isfinite(boxes).all()
    assert (boxes[:, 2:] >= 0).all()
    assert ((classes >= 0) & (classes < 3)).all()


UNIT = st.floats(0, 1, width=32)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(UNIT, UNIT, UNIT, UNIT), min_size=1, max_size=5), st.integers(1, 500), st.integers(1, 500))
def test_boxes_are_the_written_ones_cut_at_the_edges(tmp_path, rows, width, height):
    write_image(tmp_path / "a.bmp", width, height)
    write_text(tmp_path / "a.txt", "".join(f"0 {x!r} {y!r} {w!r} {h!r}\n" for x, y, w, h in rows))
    write_text(tmp_path / "list.txt", "a.bmp\n")
    write_text(tmp_path / "x.data", "classes=1\ntrain=list.txt\n")
    boxes = darknet_splits(tmp_path / "x.data")["train"](Problems()).annotation(0).boxes_xyxy
    for (x, y, w, h), box in zip(rows, boxes, strict=True):
        corners = (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
        expected = np.clip(corners, 0, (width, height, width, height))
        np.testing.assert_allclose(box, expected, atol=1e-6 * math.hypot(width, height), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes = 2\n", r"x.data: names no images; give at least one of the keys train, valid, val, test"),
        ("train = train.txt\n", r"x.data: give names .*, classes .*, or both"),
        ("classes = none\ntrain = train.txt\n", r"x.data: classes: must be a whole number from 1 to 65536, got 'none'"),
        ("classes = 0\ntrain = train.txt\n", r"x.data: classes: .* got '0'"),
        ("classes = " + "9" * 5000 + "\ntrain = train.txt\n", r"x.data: classes: must be a whole number"),
        ("classes = 3\ntrain = train.txt\nnames = x.names\n", r"x.data: classes = 3, but .*x.names holds 2 names"),
        ("classes = 2\ntrain = gone.txt\n", r"x.data: train: no such file: 'gone.txt' \(looked for .*gone.txt"),
        ("classes = 2\nhello\n", r"x.data:2: must be key = value, got 'hello'"),
    ],
)
def test_a_wrong_data_file_is_named_by_key_or_line(folder, text, message):
    write_text(folder / "x.data", text)
    with pytest.raises(InputError, match=message):
        read_config(folder / "x.data")


def test_an_empty_line_between_class_names_is_an_error(folder):
    write_text(folder / "x.names", "cat\n\ndog\n")
    with pytest.raises(InputError, match=r"x.names:2: empty line"):
        read_config(folder / "x.data")


def test_classes_without_names_are_numbered(folder):
    write_text(folder / "x.data", "classes = 2\ntrain = train.txt\n")
    assert read_config(folder / "x.data").labels == ("class 0", "class 1")


def test_missing_and_broken_images_are_all_listed(folder):
    write_text(folder / "train.txt", "images/train/a.jpg\nimages/train/gone.jpg\nimages/train/lost.jpg\n")
    with pytest.raises(InputError, match=r"(?s)2 problems.*train.txt:2: .*gone.jpg.*train.txt:3: .*lost.jpg"):
        darknet_splits(folder / "x.data")["train"](Problems())
    write_text(folder / "train.txt", "images/train/a.jpg\nimages/train/b.jpg\n")
    write_text(folder / "images/train/b.jpg", "this is not an image")
    with pytest.raises(InputError, match=r"b.jpg: not a readable image"):
        darknet_splits(folder / "x.data")["train"](Problems())


def test_a_truncated_image_is_an_error_when_it_is_read(folder):
    write_image(folder / "images/train/b.jpg", 200, 200)
    whole = (folder / "images/train/b.jpg").read_bytes()
    (folder / "images/train/b.jpg").write_bytes(whole[: len(whole) - 20])
    train = darknet_splits(folder / "x.data")["train"](Problems())
    with pytest.raises(InputError, match=r"b.jpg: JPEG is cut short"):
        train.image(1)


def test_an_empty_data_set_says_what_is_empty(folder):
    write_text(folder / "train.txt", "# none yet\n")
    with pytest.raises(InputError, match=r"train.txt: empty; a data set needs at least one image"):
        darknet_splits(folder / "x.data")["train"](Problems())
    write_text(folder / "train.txt", "images/train/b.jpg\n")
    with pytest.raises(
        InputError, match=r"train.txt: none of the 1 images has a label file, such as .*labels/train/b.txt"
    ):
        darknet_splits(folder / "x.data")["train"](Problems())
    write_text(folder / "labels/train/b.txt", "")
    with pytest.raises(InputError, match=r"train.txt: the label files of its 1 images are all empty"):
        darknet_splits(folder / "x.data")["train"](Problems())


def test_a_plain_folder_has_the_splits_of_its_image_folders(folder):
    splits = yolo_folder_splits(folder)
    assert list(splits) == ["train", "val"]
    assert splits["train"](Problems()).labels == ("cat", "traffic light")
    assert len(splits["val"](Problems())) == 1


def test_a_plain_folder_without_names_numbers_its_classes(folder):
    (folder / "x.names").unlink()
    assert yolo_folder_splits(folder)["val"](Problems()).labels == ("class 0", "class 1")


def test_two_files_of_names_or_two_folders_of_a_split_are_ambiguous(folder):
    write_text(folder / "y.names", "one\n")
    with pytest.raises(InputError, match=r"more than one file of class names: x.names, y.names"):
        yolo_folder_splits(folder)
    (folder / "y.names").unlink()
    write_image(folder / "images/train2/d.jpg")
    with pytest.raises(InputError, match=r"more than one folder for the split train"):
        yolo_folder_splits(folder)


@needs_shared
def test_opens_a_plain_folder_of_coco_training_images():
    dataset = yolo_folder_splits(SHARED / "data" / "coco_train2017_128")["all"](Problems())
    assert len(dataset) == 128
    assert sum(len(dataset.annotation(index).boxes_xyxy) for index in range(128)) == 929
    for index in range(0, 128, 16):
        annotation = dataset.annotation(index)
        assert dataset.image(index).shape == (annotation.height, annotation.width, 3)
