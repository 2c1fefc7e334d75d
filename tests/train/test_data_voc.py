"""Pascal VOC: boxes from XML that counts from 1, masks with a palette, lists in ImageSets, and XML that means harm."""

import cv2
import numpy as np
import pytest
from shared_material import SHARED, needs_shared
from voc_data import CATS, annotation, write_image, write_mask, write_voc

from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.problems import Problems
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.errors import InputError


@pytest.fixture
def voc(tmp_path):
    """Two images of 8x6 pixels; a has a cat and a difficult dog, b nothing."""
    return write_voc(tmp_path)


def problem(folder, task="detect", split="train"):
    with pytest.raises(InputError) as caught:
        open_split(str(folder), split, task)
    return str(caught.value)


def write_xml(folder, objects, size_wh=(8, 6)):
    (folder / "Annotations" / "a.xml").write_text(annotation(objects, size_wh))


def test_coordinates_count_pixels_from_one_and_include_both_ends(voc):
    dataset = open_split(str(voc), "train")
    assert dataset.labels == ("cat", "dog")
    found = dataset.annotation(0)
    np.testing.assert_array_equal(found.boxes_xyxy, [[0, 0, 3, 2], [4, 3, 8, 6]])
    np.testing.assert_array_equal(found.areas_px, [6, 12])
    np.testing.assert_array_equal(found.class_indices, [0, 1])
    assert (found.width, found.height) == (8, 6)
    assert dataset.annotation(1).boxes_xyxy.shape == (0, 4)


def test_difficult_objects_are_ignored_unless_the_toml_says_otherwise(voc):
    found = open_split(str(voc), "train").annotation(0)
    np.testing.assert_array_equal(found.is_difficult, [False, True])
    np.testing.assert_array_equal(found.is_crowd, [False, True])
    write_voc(voc, head='difficult = "use"')
    found = open_split(str(voc), "train").annotation(0)
    np.testing.assert_array_equal(found.is_difficult, [False, True])
    np.testing.assert_array_equal(found.is_crowd, [False, False])


def test_parts_of_objects_are_no_objects(voc):
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    path = voc / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("</object>", f"{part}</object>"))
    assert len(open_split(str(voc), "train").annotation(0).boxes_xyxy) == 2


def test_several_years_are_read_as_one(tmp_path):
    for year in ("2007", "2012"):
        write_voc(tmp_path / year)
    lists = '["2007/ImageSets/Main/train.txt", "2012/ImageSets/Main/train.txt"]'
    (tmp_path / "dataset.toml").write_text(f'format = "voc"\ntrain = {lists}\n')
    dataset = open_split(str(tmp_path), "train")
    assert len(dataset) == 4
    assert len({dataset.annotation(index).image_id for index in range(4)}) == 4
    assert list_splits(str(tmp_path)) == ("train",)


def test_masks_hold_classes_from_one_with_a_background_and_a_palette(voc):
    dataset = open_split(str(voc), "train", "segment")
    assert dataset.labels == ("background", "cat", "dog")
    assert np.unique(dataset.label_map(0)).tolist() == [0, 1, 2, IGNORED]
    assert dataset.label_map(0).shape == (6, 8)


def test_masks_have_a_list_of_their_own_where_there_is_one(voc):
    (voc / "ImageSets" / "Segmentation").mkdir()
    (voc / "ImageSets" / "Segmentation" / "train.txt").write_text("a\n")
    (voc / "SegmentationClass" / "b.png").unlink()
    assert len(open_split(str(voc), "train", "segment")) == 1
    assert len(open_split(str(voc), "train", "detect")) == 2


def test_a_mask_with_values_beyond_the_classes_is_named(voc):
    write_mask(voc / "SegmentationClass" / "a.png", [[3] * 8] * 6)
    with pytest.raises(InputError, match=r"a.png: holds values that stand for no class: 3 \(48 pixels\)"):
        open_split(str(voc), "train", "segment").label_map(0)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((3, 1, 2, 2), "a.xml:4: bndbox: its end lies before its start, got 3, 1, 2, 2"),
        ((5, 1, 20, 2), "a.xml:4: bndbox: reaches over its image of 8x6, got 5, 1, 20, 2"),
        ((9, 1, 9, 2), "a.xml:4: bndbox: lies outside its image of 8x6, got 9, 1, 9, 2"),
        ((-4, 1, 2, 2), "a.xml:4: bndbox: reaches over its image"),
        (("x", 1, 2, 2), "a.xml:4: xmin: must be a number, got 'x'"),
        (("nan", 1, 2, 2), "a.xml:4: xmin: must be a number, got 'nan'"),
        (("1e400", 1, 2, 2), "a.xml:4: xmin: must be a number"),
    ],
)
def test_wrong_boxes_are_named_by_line(voc, box, message):
    write_xml(voc, [("cat", box, 0)])
    assert message in problem(voc)


def test_tools_that_count_from_zero_are_read_to_the_pixel_at_the_edge(voc):
    write_xml(voc, [("cat", (0, 0, 9, 6.4), 0)])
    np.testing.assert_array_equal(open_split(str(voc), "train").annotation(0).boxes_xyxy, [[0, 0, 8, 6]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.xml:1: not valid XML: no element found"),
        ("<annotation><size>", "a.xml:1: not valid XML"),
        ("<html/>", "a.xml:1: must be an <annotation>, got <html>"),
        ("<annotation/>", "a.xml:1: no <size>"),
        ("<annotation><size><width>0</width></size></annotation>", "a.xml:1: size: width must be from 1 to 16384, got"),
        ("<annotation>\n<size><width>8</width>\n</size></annotation>", "a.xml:2: size: height must be"),
        (annotation([("cat", (1, 1, 2, 2), 2)]), "a.xml:5: difficult: must be 0 or 1, got '2'"),
        (annotation([("cat", (1, 1, 2, 2), 0)]).replace("<name>cat</name>", ""), "a.xml:3: an <object> needs a <name>"),
        (annotation([], (9, 6)), "a.xml: size: says 9x6, its image is 8x6"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "a.xml"),
        ("<a>" * 40 + "</a>" * 40, "elements within elements, more than 32 deep"),
    ],
)
def test_wrong_files_are_named_by_line(voc, text, message):
    (voc / "Annotations" / "a.xml").write_text(text)
    assert message in problem(voc)


BOMB = '<!DOCTYPE lolz [<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        f"{BOMB}]>\n<annotation>&l11;</annotation>",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><object><name>&x;</name></object></annotation>',
        '<!DOCTYPE annotation SYSTEM "http://127.0.0.1/x.dtd"><annotation/>',
    ],
)
def test_entities_are_refused_before_anything_is_expanded(voc, text):
    (voc / "Annotations" / "a.xml").write_text(text)
    assert "a.xml:1: declares a DOCTYPE" in problem(voc)


def test_a_huge_annotation_is_refused_unread(voc):
    (voc / "Annotations" / "a.xml").write_bytes(b" " * (5 << 20))
    assert "an XML annotation may have at most" in problem(voc)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a\nb\na\n", "train.txt:3: 'a' was already on line 1"),
        ("a 1\nb -1\n", "train.txt:1: must be the name of an image without its ending, got 'a 1'"),
        ("../../a\n", "train.txt:1: must be the name of an image"),
        ("z\n", "train.txt:1: no such image: "),
        ("\n\n", "train.txt: empty; give the name of an image per line"),
    ],
)
def test_wrong_lists_are_named_by_line(voc, lines, message):
    (voc / "ImageSets" / "Main" / "train.txt").write_text(lines)
    assert message in problem(voc)


def test_unknown_classes_and_missing_files_are_named(voc):
    write_voc(voc, head=CATS)
    assert "a.xml:" in problem(voc)
    assert "'dog' is none of the classes in dataset.toml" in problem(voc)
    (voc / "Annotations" / "a.xml").unlink()
    assert f"{voc}/Annotations/a.xml: No such file or directory" in problem(voc)
    (voc / "dataset.toml").write_text('format = "voc"\ntrain = "train.txt"\n')
    assert "a list of VOC lies inside a folder ImageSets" in problem(voc)
    (voc / "dataset.toml").write_text('format = "voc"\n')
    assert "names no images; give at least one of train, val, test" in problem(voc)


def test_skipping_leaves_out_what_is_wrong_and_nothing_else(voc):
    write_xml(voc, [("cat", (3, 1, 2, 2), 0), ("dog", (1, 1, 2, 2), 0)])
    write_image(voc / "JPEGImages" / "b.png", (3, 3))
    problems = Problems(skip=True)
    dataset = open_split(str(voc), "train", "detect", problems)
    assert len(dataset) == 1
    assert dataset.labels == ("dog",)
    assert len(dataset.annotation(0).boxes_xyxy) == 1
    assert len(problems.found) == 2


@needs_shared
def test_blood_cells_are_read_whole(tmp_path):
    data = SHARED / "data" / "bccd"
    lists = "\n".join(f'{split} = "{data}/ImageSets/Main/{split}.txt"' for split in ("train", "val", "test"))
    (tmp_path / "dataset.toml").write_text(f'format = "voc"\n{lists}\n')
    num_boxes = np.zeros(3, int)
    for split, count in {"train": 205, "val": 87, "test": 72}.items():
        dataset = open_split(str(tmp_path), split)
        assert len(dataset) == count
        assert dataset.labels == ("Platelets", "RBC", "WBC")
        for index in range(count):
            num_boxes += np.bincount(dataset.annotation(index).class_indices, minlength=3)
    assert num_boxes.tolist() == [361, 4155, 372]
    assert cv2.imread(dataset.source(0)).shape == dataset.image(0).shape
