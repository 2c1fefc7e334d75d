"""Image folders and CSV lists give each image its class, or say everything that is wrong with them."""

import os

import cv2
import numpy as np
import pytest
from shared_material import SHARED, needs_shared

from edgewright_train.data.formats.find_images import find_images
from edgewright_train.data.problems import Problems
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.data.samples import SAMPLERS
from edgewright_train.data.splits import ALL
from edgewright_train.errors import InputError


def write_image(path, blue=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((6, 8, 3), (blue, 0, 0), np.uint8)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def sorted_images(tmp_path):
    """Splits train and val of the classes cat and dog, with two and one images of each."""
    for split, count in (("train", 2), ("validation", 1)):
        for number, label in enumerate(("cat", "dog")):
            for index in range(count):
                write_image(tmp_path / split / label / f"{label}{index}.png", 100 * number + index)
    return tmp_path


def classes(dataset):
    return [dataset.labels[dataset.class_indices(index)[0]] for index in range(len(dataset))]


def problem(data, split="val", task="classify"):
    with pytest.raises(InputError) as caught:
        open_split(str(data), split, task)
    return str(caught.value)


def test_the_folder_of_an_image_is_its_class(sorted_images):
    assert list_splits(str(sorted_images), "classify") == ("train", "val")
    dataset = open_split(str(sorted_images), "train", "classify")
    assert dataset.labels == ("cat", "dog")
    assert classes(dataset) == ["cat", "cat", "dog", "dog"]
    assert [int(dataset.image(index)[0, 0, 0]) for index in range(4)] == [0, 1, 100, 101]
    assert not dataset.multi_label
    assert dataset.source(2) == str(sorted_images / "train" / "dog" / "dog0.png")


def test_classes_without_splits_are_the_same_for_every_split(sorted_images):
    assert list_splits(str(sorted_images / "train"), "classify") == (ALL,)
    assert len(open_split(str(sorted_images / "train"), "val", "classify")) == 4


def test_a_toml_may_name_the_folders_and_the_order_of_classes(sorted_images):
    write_text(
        sorted_images / "sets" / "dataset.toml", 'format = "folders"\nval = "../train"\nclasses = ["dog", "cat"]'
    )
    assert list_splits(str(sorted_images / "sets"), "classify") == ("val",)
    dataset = open_split(str(sorted_images / "sets"), "val", "classify")
    assert dataset.labels == ("dog", "cat")
    assert classes(dataset) == ["dog", "dog", "cat", "cat"]


def test_a_toml_without_splits_looks_where_it_lies(sorted_images):
    write_text(sorted_images / "dataset.toml", 'format = "folders"')
    assert list_splits(str(sorted_images), "classify") == ("train", "val")
    write_text(sorted_images / "empty" / "dataset.toml", 'format = "folders"')
    assert "holds no folders of classes; give at least one of the keys train" in problem(sorted_images / "empty")


def test_folders_below_a_class_and_endings_in_capitals_count_and_hidden_ones_do_not(sorted_images):
    write_image(sorted_images / "train" / "cat" / "more" / "deep" / "x.PNG")
    write_image(sorted_images / "train" / "cat" / ".thumbs" / "x.png")
    write_image(sorted_images / "train" / ".hidden" / "x.png")
    write_text(sorted_images / "train" / "cat" / "notes.txt", "no image")
    assert classes(open_split(str(sorted_images), "train", "classify")) == ["cat"] * 3 + ["dog"] * 2


def test_the_fingerprint_covers_pixels_and_classes_and_not_the_place(sorted_images, tmp_path_factory):
    first = open_split(str(sorted_images), "train", "classify").fingerprint
    moved = tmp_path_factory.mktemp("other") / "place"
    sorted_images.rename(moved)
    assert open_split(str(moved), "train", "classify").fingerprint == first
    write_image(moved / "train" / "dog" / "dog1.png", 55)
    changed = open_split(str(moved), "train", "classify").fingerprint
    (moved / "train" / "dog" / "dog1.png").rename(moved / "train" / "cat" / "dog1.png")
    assert len({first, changed, open_split(str(moved), "train", "classify").fingerprint}) == 3


def test_every_class_needs_an_image_in_every_split(sorted_images):
    (sorted_images / "validation" / "dog" / "dog0.png").unlink()
    assert problem(sorted_images) == (
        f"{sorted_images}/validation/dog: no images in it; every class needs at least one, in every split"
    )
    (sorted_images / "validation" / "dog").rmdir()
    assert f"{sorted_images}/validation/dog: no such folder; every class needs one" in problem(sorted_images)


def test_a_class_that_only_one_split_has_is_a_typing_error(sorted_images):
    (sorted_images / "validation" / "dog").rename(sorted_images / "validation" / "dogs")
    assert f"{sorted_images}/train/dogs: no such folder" in problem(sorted_images, "train")
    assert f"{sorted_images}/validation/dog: no such folder" in problem(sorted_images, "val")


def test_folders_that_are_no_class_of_the_toml_are_named(sorted_images):
    write_text(sorted_images / "dataset.toml", 'format = "folders"\ntrain = "train"\nclasses = ["cat", "cow"]')
    assert problem(sorted_images, "train") == (
        f"2 problems:\n  {sorted_images}/train/dog: 'dog' is none of the classes in dataset.toml\n"
        f"  {sorted_images}/train/cow: no such folder; every class needs one with at least one image, in every split"
    )


def test_an_empty_split_is_refused(sorted_images):
    (sorted_images / "test").mkdir()
    assert problem(sorted_images, "test").startswith(f"{sorted_images}/test: empty; it must hold a folder")


def test_a_class_name_that_is_no_text_is_refused(sorted_images):
    for split in ("train", "validation"):
        (sorted_images / split / os.fsdecode(b"caf\xe9")).mkdir()
        write_image(sorted_images / split / os.fsdecode(b"caf\xe9") / "x.png")
    assert "a class name must be printable UTF-8 text, got 'caf\\udce9'" in problem(sorted_images)


def test_a_file_name_that_is_no_text_is_read(sorted_images):
    image = sorted_images / "train" / "cat" / "cat0.png"
    image.rename(image.with_name(os.fsdecode(b"caf\xe9.png")))
    dataset = open_split(str(sorted_images), "train", "classify")
    assert dataset.image(0).shape == (6, 8, 3)
    assert b"caf\xe9.png" in SAMPLERS["classify"].truth(dataset, 0)


def test_links_that_lead_back_or_nowhere_are_named(sorted_images):
    cats = sorted_images / "train" / "cat"
    (cats / "back").symlink_to(cats)
    (cats / "self.png").symlink_to(cats / "self.png")
    (cats / "gone.png").symlink_to(cats / "nothing.png")
    found = problem(sorted_images, "train")
    assert f"{cats}/back: a link that leads back to a folder above it" in found
    assert f"{cats}/self.png: Too many levels of symbolic links" in found
    assert f"{cats}/gone.png: a link to nothing" in found


def test_links_to_folders_elsewhere_are_followed(sorted_images, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk")
    write_image(elsewhere / "y.png")
    (sorted_images / "train" / "cat" / "more").symlink_to(elsewhere)
    assert len(open_split(str(sorted_images), "train", "classify")) == 5


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    problems = Problems()
    assert find_images(tmp_path, problems) == []
    with pytest.raises(InputError, match=f"{tmp_path}: Permission denied"):
        problems.check()


def test_a_truncated_image_is_named_when_it_is_read(sorted_images):
    path = sorted_images / "train" / "cat" / "cat0.jpg"
    write_image(path)
    path.write_bytes(path.read_bytes()[:-40])
    dataset = open_split(str(sorted_images), "train", "classify")
    with pytest.raises(InputError, match=rf"{path}: JPEG is cut short"):
        dataset.image(0)


@pytest.mark.parametrize(
    "folders", [("images", "labels"), ("train/images", "train/labels"), ("train", "val"), ("one",)]
)
def test_folders_of_other_formats_are_not_taken_for_classes(tmp_path, folders):
    for folder in folders:
        write_image(tmp_path / folder / "x.png")
    assert any(text in problem(tmp_path) for text in ("not recognised as a data set", "label file"))


def test_two_folders_for_one_split_are_not_guessed(sorted_images):
    write_image(sorted_images / "val" / "cat" / "x.png")
    assert "not recognised as a data set" in problem(sorted_images)


def test_another_task_is_refused(sorted_images):
    message = "has classes of images; the task detect needs boxes"
    assert message in problem(sorted_images, task="detect")


@pytest.fixture
def listed_images(tmp_path):
    for name in ("a", "b", "c d"):
        write_image(tmp_path / "images" / f"{name}.png")
    write_text(tmp_path / "train.csv", 'a.png,dog\n"c d.png", cat\n\n')
    write_text(tmp_path / "val.csv", "b.png,cow\n")
    write_text(tmp_path / "dataset.toml", csv_toml())
    return tmp_path


def csv_toml(head=""):
    tables = "".join(f'[{split}]\ncsv = "{split}.csv"\nimages = "images"\n' for split in ("train", "val"))
    return f'format = "csv"\n{head}\n{tables}'


def test_a_csv_names_images_and_their_class(listed_images):
    dataset = open_split(str(listed_images), "train", "classify")
    assert dataset.labels == ("cat", "cow", "dog")  # of both files
    assert classes(dataset) == ["dog", "cat"]
    assert dataset.source(1) == str(listed_images / "images" / "c d.png")


def test_a_multi_label_csv_names_any_number_of_classes(listed_images):
    write_text(listed_images / "dataset.toml", csv_toml("multi_label = true"))
    write_text(listed_images / "train.csv", "a.png,dog,cat,dog\nb.png\nc d.png,cow,\n")
    dataset = open_split(str(listed_images), "train", "classify")
    assert dataset.multi_label
    assert [dataset.class_indices(index) for index in range(3)] == [(0, 2), (), (1,)]


def test_wrong_lines_of_a_csv_are_named(listed_images):
    write_text(listed_images / "dataset.toml", csv_toml('classes = ["cat", "cow"]'))
    write_text(
        listed_images / "train.csv", 'a.png,dog\ngone.png,cat\nb.png\nb.png,cat,cow\nb.png,cow\nb.png,cat\n"x,cat\n'
    )
    found = problem(listed_images, "train")
    for line, message in {
        1: "'dog' is none of the classes",
        2: f"no such file: '{listed_images}/images/gone.png'",
        3: "must be path,class, got 'b.png'",
        4: "must be path,class, got 'b.png,cat,cow' (several classes need multi_label = true)",
        6: "'b.png' was already on line 5",
        7: "not CSV",
    }.items():
        assert f"{listed_images}/train.csv:{line}: {message}" in found


def test_a_csv_without_images_is_refused(listed_images):
    write_text(listed_images / "val.csv", "\n")
    assert problem(listed_images) == f"{listed_images}/val.csv: names no images; give a line per image: path,class"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('format = "folders"\nclasses = ["a", "b", "a"]', "classes: a class may be listed once; 'a' is there twice"),
        ('format = "folders"\nclasses = ["a", " b"]', "classes: a class name is text without spaces around it"),
        ('format = "folders"\nclasses = []', "classes: .*at least 1 item"),
        ('format = "folders"\ndev = "x"', "dev: unknown key"),
        ('format = "folders"\nval = "gone"', "gone: No such file or directory"),
        ('format = "csv"', r"names no images; give at least one of the tables \[train\], \[val\], \[test\]"),
        ('format = "csv"\n[val]\ncsv = "gone.csv"', "gone.csv: No such file or directory"),
    ],
)
def test_a_wrong_toml_is_named_by_key(tmp_path, text, message):
    write_text(tmp_path / "dataset.toml", text)
    with pytest.raises(InputError, match=message):
        open_split(str(tmp_path), "val", "classify")


@needs_shared
def test_real_folders_are_read_whole():
    data = str(SHARED / "data" / "clothing_dev")
    for split, per_class in {"train": 40, "val": 12}.items():
        dataset = open_split(data, split, "classify")
        assert len(dataset.labels) == 10
        counts = np.bincount([dataset.class_indices(index)[0] for index in range(len(dataset))])
        assert counts.tolist() == [per_class] * 10
        assert all(dataset.image(index).ndim == 3 for index in range(len(dataset)))
