"""Masks by list files, by LightNet's rule, and with the numbers of Cityscapes."""

import numpy as np
import pytest
from voc_data import write_image, write_mask

from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.problems import Problems
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.errors import InputError

TOML = 'format = "masks"\nclasses = ["sky", "road"]\n'


def problem(folder, split="train"):
    with pytest.raises(InputError) as caught:
        open_split(str(folder), split, "segment")
    return str(caught.value)


@pytest.fixture
def listed(tmp_path):
    """Two pairs whose names follow no rule."""
    for name, label in {"a b": 0, "c": 1}.items():
        write_image(tmp_path / "left" / f"{name}.png")
        write_mask(tmp_path / "truth" / f"{name} ids.png", np.full((6, 8), label))
    (tmp_path / "dataset.toml").write_text(f'{TOML}[train]\npairs = "train.txt"\n')
    return tmp_path


@pytest.mark.parametrize("separator", [",", ", ", "\t"])
def test_a_line_names_an_image_and_its_mask(listed, separator):
    pairs = [f"left/{name}.png{separator}truth/{name} ids.png\n" for name in ("c", "a b")]
    (listed / "train.txt").write_text("# image, mask\n\n" + "".join(pairs))
    dataset = open_split(str(listed), "train", "segment")
    assert [int(dataset.label_map(index)[0, 0]) for index in range(2)] == [1, 0]


def test_spaces_divide_where_names_have_none(listed):
    (listed / "truth" / "c ids.png").rename(listed / "truth" / "c.png")
    (listed / "train.txt").write_text("left/c.png truth/c.png\n")
    assert len(open_split(str(listed), "train", "segment")) == 1


def test_paths_are_below_the_root(listed):
    (listed / "train.txt").write_text("c.png,../truth/c ids.png\n")
    (listed / "dataset.toml").write_text(f'{TOML}[train]\npairs = "train.txt"\nroot = "left"\n')
    assert len(open_split(str(listed), "train", "segment")) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("left/c.png\n", "train.txt:1: must be image,mask, got 'left/c.png'"),
        ("a,b,c\n", "train.txt:1: must be image,mask"),
        ("left/c.png,\n", "train.txt:1: must be image,mask"),
        ("left/c.png,truth/d.png\n", "train.txt:1: no such file: 'truth/d.png'"),
        ("left/c.png,truth/c ids.png\n" * 2, "left/c.png: listed twice"),
        ("left/c.png,truth/c ids.png\nleft/a b.png,truth/c ids.png\n", "c ids.png: the mask of two images"),
        ("", "train.txt: no images; give a line per image: image,mask"),
    ],
)
def test_wrong_lines_are_named(listed, lines, message):
    (listed / "train.txt").write_text(lines)
    assert message in problem(listed)


def test_pairs_and_folders_exclude_each_other(listed):
    (listed / "dataset.toml").write_text(f'{TOML}[train]\npairs = "train.txt"\nimages = "left"\n')
    assert "train: pairs says which images and masks there are; leave images, masks and list out" in problem(listed)


def test_skipping_leaves_a_wrong_pair_out(listed):
    write_mask(listed / "truth" / "c ids.png", np.zeros((5, 8)))
    (listed / "train.txt").write_text("left/c.png,truth/c ids.png\nleft/a b.png,truth/a b ids.png\nx,y\n")
    problems = Problems(skip=True)
    dataset = open_split(str(listed), "train", "segment", problems)
    assert [dataset.source(index)[-7:] for index in range(len(dataset))] == ["a b.png"]
    assert len(problems.found) == 2


@pytest.fixture
def lightnet(tmp_path):
    """Images in a folder that is replaced by labels, and one with its mask beside it."""
    write_image(tmp_path / "JPEGImages" / "a.jpg")
    write_image(tmp_path / "street" / "b.jpg")
    write_mask(tmp_path / "labels" / "a.png", np.zeros((6, 8)))
    write_mask(tmp_path / "street" / "b.png", [[1] * 7 + [255]] * 6)
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "train.txt").write_text("JPEGImages/a.jpg\nstreet/b.jpg\n")
    (tmp_path / "x.data").write_text("classes = 2\ntrain = train.txt\nnames = x.names\n")
    (tmp_path / "x.names").write_text("sky\nroad\n")
    (tmp_path / "dataset.toml").write_text('format = "lightnet"\ndata = "x.data"\n')
    return tmp_path


def test_masks_lie_where_label_files_do(lightnet):
    dataset = open_split(str(lightnet), "train", "segment")
    assert dataset.labels == ("sky", "road")
    assert np.unique(dataset.label_map(0)).tolist() == [0]
    assert np.unique(dataset.label_map(1)).tolist() == [1, IGNORED]
    assert len(open_split(str(lightnet), "train", "detect").annotation(0).boxes_xyxy) == 1
    assert list_splits(str(lightnet), "segment") == ("train",)


def test_values_beyond_the_classes_are_an_error_unless_ignored(lightnet):
    write_mask(lightnet / "labels" / "a.png", np.full((6, 8), 2))
    with pytest.raises(InputError, match=r"a.png: holds values that stand for no class: 2 \(48 pixels\)"):
        open_split(str(lightnet), "train", "segment").label_map(0)
    (lightnet / "dataset.toml").write_text('format = "lightnet"\ndata = "x.data"\nunlisted = "ignore"\n')
    assert (open_split(str(lightnet), "train", "segment").label_map(0) == IGNORED).all()


def test_an_image_that_would_be_its_own_mask_is_refused(lightnet):
    (lightnet / "train.txt").write_text("street/b.png\n")
    assert "street/b.png: would be its own mask" in problem(lightnet)


def test_a_missing_mask_is_named_with_where_it_was_looked_for(lightnet):
    (lightnet / "labels" / "a.png").unlink()
    assert f"JPEGImages/a.jpg: no mask, looked for {lightnet}/labels/a.png" in problem(lightnet)


def test_the_numbers_of_cityscapes_are_known(tmp_path):
    write_image(tmp_path / "images" / "a.png")
    write_mask(tmp_path / "masks" / "a.png", [[7, 8, 26, 33, 0, 29, 30, 34]] * 6)
    split = '[val]\nimages = "images"\nmasks = "masks"\n'
    (tmp_path / "dataset.toml").write_text(f'format = "masks"\nids = "cityscapes"\n{split}')
    dataset = open_split(str(tmp_path), "val", "segment")
    assert dataset.labels[:2] == ("road", "sidewalk")
    assert len(dataset.labels) == 19
    assert dataset.label_map(0)[0].tolist() == [0, 1, 13, 18, *[IGNORED] * 4]
    (tmp_path / "dataset.toml").write_text(f'format = "masks"\nids = "kitti"\n{split}')
    assert "ids: must be a table of numbers and classes, or \"cityscapes\", got 'kitti'" in problem(tmp_path, "val")
