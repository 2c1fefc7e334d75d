"""`edgewright-data-check` counts what is there, finds every bad record, and shows what it read."""

import json
import os

import cv2
import numpy as np
import pytest
from shared_material import SHARED, needs_shared
from voc_data import annotation, write_image, write_mask, write_voc

from edgewright_train.commands.check_data import main
from edgewright_train.data.contact_sheet import varied_images
from edgewright_train.data.problems import Problems
from edgewright_train.data.read_all import open_readable
from edgewright_train.data.resolve import open_split
from edgewright_train.errors import InputError


def check(tmp_path, data, *options):
    """Exit code, and what was found."""
    found = tmp_path / "found.json"
    code = main([f"--data={data}", f"--out={tmp_path / 'sheets'}", f"--json={found}", *options])
    return code, json.loads(found.read_text()) if found.is_file() else {}


def noise(path, seed, size_wh=(80, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 255, (size_wh[1], size_wh[0], 3), np.uint8)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


@pytest.fixture
def boxes(tmp_path):
    """Four images of 80x60: small, medium and large boxes, one without any."""
    root = tmp_path / "data"
    for index in range(4):
        noise(root / "images" / f"{index}.png", index)
    labels = [
        "0 0.5 0.5 0.1 0.1\n",
        "0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5\n",
        "1 0.5 0.5 1 1\n1 0.5 0.5 0.01 0.5\n",
        "",
    ]
    (root / "labels").mkdir()
    for index, text in enumerate(labels):
        (root / "labels" / f"{index}.txt").write_text(text)
    (root / "names.txt").write_text("cat\ndog\nbird\n")
    return root


def test_counts_boxes_by_class_and_size(tmp_path, boxes, capsys):
    code, found = check(tmp_path, boxes)
    assert code == 0
    (split,) = found["splits"]
    assert split["classes"] == {
        "cat": {"boxes": 2, "images": 2},
        "dog": {"boxes": 3, "images": 2},
        "bird": {"boxes": 0, "images": 0},
    }
    assert (split["images"], split["boxes"], split["images_without_boxes"]) == (4, 5, 1)
    assert split["area_shares"] == {"small": 0.4, "medium": 0.6, "large": 0.0}
    assert split["boxes_per_image"]["most"] == 2
    assert split["width_px"]["most"] == pytest.approx(80)
    assert split["aspect"]["p50"] == pytest.approx(4 / 3)
    assert split["image_sizes"]["most_common"] == [{"width": 80, "height": 60, "images": 4}]
    text = capsys.readouterr().out
    assert "4 images for the task detect" in text
    assert "bird           0          0  none" in text
    assert text.endswith("no bad records\n")


def test_shows_images_with_every_class_on_a_sheet(tmp_path, boxes):
    _, found = check(tmp_path, boxes)
    sheet = cv2.imread(found["splits"][0]["contact_sheet"])
    assert sheet.shape[1] > 4 * 350


def test_thin_and_doubled_boxes_look_odd_but_are_not_bad(tmp_path, boxes):
    (boxes / "labels" / "0.txt").write_text("0 0.5 0.5 0.1 0.1\n" * 2)
    code, found = check(tmp_path, boxes)
    assert code == 0
    odd = found["splits"][0]["looks_odd"]
    assert any("0.png: the same box of cat twice: 36, 27, 44, 33" in line for line in odd)
    assert any("2.png: a box thinner than 2 pixels" in line for line in odd)


def test_a_box_over_the_edge_looks_odd(tmp_path):
    noise(tmp_path / "images" / "a.png", 0)
    objects = [
        {"id": number, "image_id": 1, "category_id": 1, "bbox": [start, 5, 20, 20]}
        for number, start in enumerate((-1, -9, 40, 70))
    ]
    images = [{"id": 1, "file_name": "a.png", "width": 80, "height": 60}]
    document = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "instances.json").write_text(json.dumps(document))
    code, found = check(tmp_path, tmp_path / "instances.json")
    assert code == 0
    assert [line.split("a.png: ")[1] for line in found["splits"][0]["looks_odd"]] == [
        "a box reaches over the edge: -9, 5, 11, 25 of 80x60",
        "a box reaches over the edge: 70, 5, 90, 25 of 80x60",
    ]


def test_finds_the_same_image_again_in_a_split_and_in_another(tmp_path):
    write_voc(tmp_path / "voc")
    (tmp_path / "voc" / "ImageSets" / "Main" / "val.txt").write_text("a\n")
    toml = tmp_path / "voc" / "dataset.toml"
    toml.write_text(toml.read_text() + 'val = "ImageSets/Main/val.txt"\n')
    noise(tmp_path / "voc" / "JPEGImages" / "b.png", 1, (8, 6))
    code, found = check(tmp_path, tmp_path / "voc")
    assert code == 0
    assert len(found["in_several_splits"]) == 1
    assert "a.jpg of voc-train is the same image as" in found["in_several_splits"][0]
    write_image(tmp_path / "voc" / "JPEGImages" / "b.png")
    write_image(tmp_path / "voc" / "JPEGImages" / "a.png")
    (tmp_path / "voc" / "JPEGImages" / "a.jpg").unlink()
    _, found = check(tmp_path, tmp_path / "voc", "--split=train")
    assert "b.png: the same image as" in found["splits"][0]["looks_odd"][0]


def test_every_bad_record_is_reported_not_only_the_first_ten(tmp_path, boxes, capsys):
    (boxes / "labels" / "1.txt").write_text("9 0.5 0.5 0.1 0.1\n" * 15 + "1 0.5 0.5 -0.1 0.1\n1 0.5 0.5 0.1 0.1\n")
    (boxes / "images" / "0.png").write_bytes((boxes / "images" / "0.png").read_bytes()[:2000])
    code, found = check(tmp_path, boxes)
    assert code == 1
    bad = found["splits"][0]["bad_records"]
    assert len(bad) == found["bad_records"] == 17
    assert f"{boxes}/labels/1.txt:16: width must be from 0 to 1" in bad[15]
    assert bad[16] == f"{boxes}/images/0.png: not a readable image"
    assert found["splits"][0]["images"] == 3
    assert capsys.readouterr().out.endswith("17 bad records\n")


def test_counts_pixels_of_masks(tmp_path):
    write_voc(tmp_path / "voc")
    code, found = check(tmp_path, tmp_path / "voc", "--task=segment")
    assert code == 0
    (split,) = found["splits"]
    assert split["ignored_share"] == 8 / 96
    assert split["classes"]["cat"] == {"pixel_share": 6 / 88, "images": 1}
    write_mask(tmp_path / "voc" / "SegmentationClass" / "a.png", [[9] * 8] * 6)
    code, found = check(tmp_path, tmp_path / "voc", "--task=segment")
    assert code == 1
    assert "holds values that stand for no class: 9" in found["splits"][0]["bad_records"][0]


def test_counts_images_of_classes_and_reads_names_that_are_no_text(tmp_path):
    for number, label in enumerate(("cat", "dog", "dog")):
        noise(tmp_path / "data" / label / f"{number}.png", number)
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / "data" / "cat" / "0.png").rename(tmp_path / "data" / "cat" / name)
    write_image(tmp_path / "data" / "dog" / os.fsdecode(b"\xff.png"))
    (tmp_path / "data" / "dog" / os.fsdecode(b"\xff.png")).write_bytes(b"nothing")
    code, found = check(tmp_path, tmp_path / "data")
    assert code == 1
    assert found["splits"][0]["classes"] == {"cat": {"images": 1}, "dog": {"images": 2}}
    assert "\\udcff.png: not a readable image" in found["splits"][0]["bad_records"][0]


def test_data_of_which_nothing_can_be_read_are_reported_too(tmp_path, boxes):
    for path in (boxes / "images").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    code, found = check(tmp_path, boxes)
    assert code == 1
    assert found["splits"][0]["images"] == 0
    assert found["splits"][0]["contact_sheet"] == ""


def test_what_is_no_data_set_is_one_line(tmp_path, capsys):
    assert main([f"--data={tmp_path / 'none'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_sheet_shows_the_rarest_classes_first():
    classes_of = [(0,)] * 50 + [(1,)] + [(0,)] * 49 + [(2, 1)]
    chosen = varied_images(classes_of, 4)
    assert 100 in chosen
    assert len(chosen) == 4
    assert varied_images([(0,), ()], 12) == [0, 1]
    assert varied_images([], 12) == []


def test_what_is_left_after_skipping_is_whole_and_numbered_anew(boxes):
    (boxes / "images" / "1.png").write_bytes(b"")
    (boxes / "labels" / "2.txt").write_text("7 0.5 0.5 1 1\n1 0.5 0.5 0.2 0.2\n")
    jpeg = cv2.imencode(".jpg", np.zeros((60, 80, 3), np.uint8))[1].tobytes()
    (boxes / "images" / "3.png").unlink()
    (boxes / "images" / "3.jpg").write_bytes(jpeg[:-2])
    problems = Problems(skip=True)
    left = open_readable(str(boxes), "all", "detect", problems, lambda done, total: None)
    assert [left.source(index)[-5:] for index in range(len(left))] == ["0.png", "2.png"]
    assert [len(left.annotation(index).boxes_xyxy) for index in range(2)] == [1, 1]
    assert len(problems.found) == 3
    assert left.image(1).shape == (60, 80, 3)
    assert left.fingerprint != open_split(str(boxes), "all", "detect", Problems(skip=True)).fingerprint
    for path in (boxes / "images").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="no image of it is right"):
        open_readable(str(boxes), "all", "detect", Problems(skip=True), lambda done, total: None)


def test_an_annotation_of_another_size_than_its_image_is_bad(tmp_path):
    voc = write_voc(tmp_path / "voc")
    (voc / "Annotations" / "a.xml").write_text(annotation([("cat", (1, 1, 2, 2), 0)], (9, 9)))
    code, found = check(tmp_path, voc)
    assert code == 1
    assert "size: says 9x9, its image is 8x6" in found["splits"][0]["bad_records"][0]


@needs_shared
def test_published_coco_has_no_bad_records(tmp_path):
    code, found = check(tmp_path, SHARED / "data" / "coco_val2017_dev")
    assert code == 0
    assert (found["splits"][0]["boxes"], found["splits"][0]["crowds"]) == (1279, 5)
