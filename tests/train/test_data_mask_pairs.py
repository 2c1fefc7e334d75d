"""Images and masks come in pairs, and the numbers in a mask stand for classes, or somebody hears of it."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.data.dataset import IGNORED
from edgewright_train.data.formats.label_image import label_image_size, read_label_image
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.errors import InputError

SPLIT = '[val]\nimages = "images"\nmasks = "masks"\n'


def part(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(values, num_bits, palette=None):
    """A PNG as the format's description has it, one number per pixel."""
    height, width = values.shape
    bits = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(height, width, 2), axis=2)[:, :, 16 - num_bits :]
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits.reshape(height, -1), axis=1))
    colour_type = 0 if palette is None else 3
    header = struct.pack(">IIBBBBB", width, height, num_bits, colour_type, 0, 0, 0)
    colours = b"" if palette is None else part(b"PLTE", palette) + part(b"tRNS", bytes(len(palette) // 3))
    return (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + colours + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    )


def write_mask(path, values, num_bits=8, palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(np.asarray(values), num_bits, palette))


def write_image(path, size_wh=(4, 2)):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.zeros((size_wh[1], size_wh[0], 3), np.uint8))[1].tobytes())


@pytest.fixture
def pair(tmp_path):
    """One image, 4x2 pixels, and its mask of the classes 0 to 2."""
    write_image(tmp_path / "images" / "a.jpg")
    write_mask(tmp_path / "masks" / "a.png", [[0, 1, 2, 0], [0, 1, 2, 255]])
    write_toml(tmp_path)
    return tmp_path


def write_toml(folder, head="", tables=SPLIT, classes='["sky", "road", "car"]'):
    (folder / "dataset.toml").write_text(f'format = "masks"\nclasses = {classes}\n{head}\n{tables}')


def opened(folder, split="val"):
    return open_split(str(folder), split, "segment")


def problem(folder):
    with pytest.raises(InputError) as caught:
        opened(folder)
    return str(caught.value)


def problem_of_mask(folder):
    dataset = opened(folder)
    with pytest.raises(InputError) as caught:
        dataset.label_map(0)
    return str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 4, 8, 16]), st.integers(1, 20), st.integers(1, 9), st.booleans())
def test_a_mask_is_read_as_the_numbers_in_it(tmp_path_factory, seed, num_bits, width, height, with_palette):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 1 << num_bits, (height, width))
    palette = rng.bytes(3 << num_bits) if with_palette and num_bits <= 8 else None
    path = tmp_path_factory.mktemp("masks") / "x.png"
    write_mask(path, values, num_bits, palette)
    np.testing.assert_array_equal(read_label_image(path), values)
    assert label_image_size(path) == (width, height)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_a_damaged_mask_is_refused_or_read_and_nothing_else(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    data = bytearray(png(rng.integers(0, 256, (9, 7)), 8, rng.bytes(768)))
    for _ in range(int(rng.integers(1, 4))):
        data[rng.integers(len(data))] = rng.integers(256)
    path = tmp_path_factory.mktemp("masks") / "x.png"
    path.write_bytes(data[: rng.integers(1, len(data) + 1)] if rng.random() < 0.3 else data)
    try:
        values = read_label_image(path)
    except InputError:
        return
    assert values.ndim == 2


def test_a_mask_that_is_cut_short_is_refused(tmp_path):
    data = png(np.ones((64, 64)), 8)
    for length in (0, 7, 20, 50, len(data) - 20, len(data) - 12, len(data) - 1):
        (tmp_path / "x.png").write_bytes(data[:length])
        with pytest.raises(InputError, match=r"x.png: (not a PNG file|PNG is cut short)"):
            read_label_image(tmp_path / "x.png")


@pytest.mark.parametrize(("channels", "what"), [(3, "a colour image;"), (4, "a colour image with transparency;")])
def test_a_colour_mask_is_refused_when_the_data_are_opened(pair, channels, what):
    image = np.zeros((2, 4, channels), np.uint8)
    (pair / "masks" / "a.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    assert problem(pair) == f"{pair}/masks/a.png: {what} a mask has one number per pixel (a grey or palette PNG)"


def test_a_mask_of_another_format_is_refused(pair):
    write_image(pair / "masks" / "a.jpg")
    write_toml(pair, 'mask_suffix = ".jpg"')
    assert f"{pair}/masks/a.jpg: not a PNG file" in problem(pair)


def test_class_indices_stand_in_masks_and_255_is_ignored(pair):
    dataset = opened(pair)
    assert (len(dataset), dataset.labels) == (1, ("sky", "road", "car"))
    np.testing.assert_array_equal(dataset.label_map(0), [[0, 1, 2, 0], [0, 1, 2, IGNORED]])
    assert dataset.label_map(0).dtype == np.uint8
    assert dataset.image(0).shape == (2, 4, 3)
    assert list_splits(str(pair), "segment") == ("val",)


def test_values_beyond_the_classes_are_named_with_their_file(pair):
    write_mask(pair / "masks" / "a.png", [[0, 3, 3, 0], [0, 1, 2, 77]])
    assert f"{pair}/masks/a.png: holds values that stand for no class: 3 (2 pixels), 77 (1 pixels);" in problem_of_mask(
        pair
    )
    write_mask(pair / "masks" / "a.png", np.arange(100, 108).reshape(2, 4))
    assert "104 (1 pixels) and 3 more" in problem_of_mask(pair)


@pytest.mark.parametrize(("unlisted", "index"), [("ignore", IGNORED), ("road", 1)])
def test_unlisted_values_are_what_the_toml_says(pair, unlisted, index):
    write_mask(pair / "masks" / "a.png", [[0, 9, 2, 0], [0, 1, 2, 255]])
    write_toml(pair, f'unlisted = "{unlisted}"')
    assert opened(pair).label_map(0)[0, 1] == index
    assert opened(pair).label_map(0)[1, 3] == IGNORED


def test_several_values_may_stand_for_one_class_in_16_bits(pair):
    write_mask(pair / "masks" / "a.png", [[7, 8, 65535, 3], [7, 26, 0, 255]], 16)
    write_toml(pair, 'unlisted = "ignore"\nids = {7 = "road", 8 = "road", 26 = "car", 65535 = "sky", 3 = "ignore"}')
    np.testing.assert_array_equal(opened(pair).label_map(0), [[1, 1, 0, IGNORED], [1, 2, IGNORED, IGNORED]])


def test_suffixes_lead_from_an_image_to_its_mask_in_folders_below(tmp_path):
    write_image(tmp_path / "images" / "ulm" / "x_1_left.png")
    write_image(tmp_path / "images" / "ulm" / "x_1_right.png")
    write_mask(tmp_path / "masks" / "ulm" / "x_1_ids.png", np.ones((2, 4)))
    write_toml(tmp_path, 'image_suffix = "_left.png"\nmask_suffix = "_ids.png"')
    dataset = opened(tmp_path)
    assert dataset.source(0) == str(tmp_path / "images" / "ulm" / "x_1_left.png")
    assert dataset.label_map(0).tolist() == [[1] * 4] * 2
    write_toml(tmp_path, 'image_suffix = "_up.png"')
    assert problem(tmp_path) == f"{tmp_path}/images: no images that end in _up.png"


def test_a_list_names_the_images_with_or_without_their_ending(pair):
    write_image(pair / "images" / "b.png")
    write_image(pair / "images" / "c.png")
    write_mask(pair / "masks" / "b.png", np.zeros((2, 4)))
    write_toml(pair, tables=SPLIT + 'list = "val.txt"')
    (pair / "val.txt").write_text("# two of three\nb\n\na.jpg\n")
    assert [opened(pair).source(index)[-5:] for index in range(len(opened(pair)))] == ["b.png", "a.jpg"]
    (pair / "val.txt").write_text("b\nd\n")
    assert problem(pair) == f"{pair}/val.txt:2: no such image: '{pair}/images/d'"
    (pair / "val.txt").write_text("")
    assert problem(pair) == f"{pair}/val.txt: no images"


def test_an_image_without_a_mask_is_named_or_left_out(pair):
    for name in "bcdefghijklm":
        write_image(pair / "images" / f"{name}.jpg")
    found = problem(pair)
    assert found.startswith(f"12 problems:\n  {pair}/images/b.jpg: no mask, looked for {pair}/masks/b.png\n")
    assert found.endswith("and 2 more")
    write_toml(pair, "only_with_masks = true")
    assert len(opened(pair)) == 1
    (pair / "masks" / "a.png").unlink()
    assert problem(pair) == f"{pair}/masks: holds a mask of none of the 13 images in {pair}/images"


def test_a_mask_of_another_size_than_its_image_is_named(pair):
    write_mask(pair / "masks" / "a.png", np.zeros((3, 4)))
    assert problem(pair) == f"{pair}/masks/a.png: the mask is 4x3, its image 4x2 ({pair}/images/a.jpg)"


def test_two_images_may_not_share_a_mask_nor_an_image_be_its_own(pair):
    write_image(pair / "images" / "a.png")
    shared = f"{pair}/masks/a.png: the mask of two images, {pair}/images/a.jpg and {pair}/images/a.png"
    assert shared in problem(pair)
    write_toml(pair, 'image_suffix = ".png"', '[val]\nimages = "images"\nmasks = "images"\n')
    assert problem(pair) == f"{pair}/images/a.png: would be its own mask; masks need another folder or mask_suffix"


def test_empty_and_missing_folders_are_named(pair):
    (pair / "images" / "a.jpg").unlink()
    assert problem(pair) == f"{pair}/images: no images"
    (pair / "images").rmdir()
    assert problem(pair) == f"{pair}/images: No such file or directory"


def test_a_file_that_is_no_image_is_named_when_the_data_are_opened(pair):
    (pair / "images" / "a.jpg").write_text("hello")
    assert problem(pair) == f"{pair}/images/a.jpg: not a readable image"


def test_the_fingerprint_covers_images_masks_and_what_values_mean(pair):
    prints = [opened(pair).fingerprint]
    write_toml(pair, 'unlisted = "road"')
    prints.append(opened(pair).fingerprint)
    write_mask(pair / "masks" / "a.png", np.zeros((2, 4)))
    prints.append(opened(pair).fingerprint)
    (pair / "images" / "a.jpg").write_bytes((pair / "images" / "a.jpg").read_bytes() + b"\xff\xd9")
    prints.append(opened(pair).fingerprint)
    assert len(set(prints)) == 4


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('unlisted = "raod"', r"unlisted: must be 'ignore', 'error' or one of the classes \(got 'raod'\)"),
        ('ids = {7 = "raod"}', r"ids: 7 = 'raod': must be one of the classes or 'ignore'"),
        ('ids = {seven = "road"}', r"ids: 'seven' must be a whole number from 0 to 65535"),
        ('ids = {65536 = "road"}', r"ids: '65536' must be a whole number from 0 to 65535"),
        ('ids = {07 = "road"}', r"ids: '07' must be a whole number"),
        ('mask_suffix = "/etc/x.png"', r"mask_suffix: .*pattern"),
        ("only = true", r"only: unknown key"),
        ("[test]\nimages = 'x'", r"test: give the folders images and masks, or pairs"),
    ],
)
def test_a_wrong_toml_is_named_by_key(pair, head, message):
    write_toml(pair, head)
    with pytest.raises(InputError, match=message):
        opened(pair)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ('["sky", "ignore"]', r"classes: 'ignore' has a meaning of its own here"),
        ('["sky", "sky"]', r"classes: a class may be listed once; 'sky' is there twice"),
        (str([f"c{index}" for index in range(255)]), r"classes: .*at most 254 items"),
    ],
)
def test_wrong_classes_are_named(pair, classes, message):
    write_toml(pair, classes=classes)
    with pytest.raises(InputError, match=message):
        opened(pair)


def test_a_toml_without_splits_is_refused(pair):
    write_toml(pair, tables="")
    assert "names no images; give at least one of the tables [train], [val], [test]" in problem(pair)


CAMVID = ["sky", "building", "pole", "road", "pavement", "tree"]
CAMVID += ["signsymbol", "fence", "car", "pedestrian", "bicyclist"]
VOC_OF_COCO = {
    1: "person", 2: "bicycle", 3: "car", 4: "motorbike", 5: "aeroplane", 6: "bus", 7: "train", 9: "boat", 16: "bird",
    17: "cat", 18: "dog", 19: "horse", 20: "sheep", 21: "cow", 44: "bottle", 62: "chair", 63: "sofa",
    64: "pottedplant", 67: "diningtable", 72: "tvmonitor",
}  # fmt: skip


@needs_shared
def test_camvid_is_read_whole(tmp_path):
    data = SHARED / "data" / "camvid_dev"
    tables = "".join(
        f'[{split}]\nimages = "{data / split}"\nmasks = "{data / f"{split}annot"}"\n' for split in ("train", "val")
    )
    write_toml(tmp_path, 'unlisted = "ignore"', tables, str(CAMVID))
    for split, count in {"train": 62, "val": 21}.items():
        dataset = opened(tmp_path, split)
        assert len(dataset) == count
        seen = np.unique(np.concatenate([np.unique(dataset.label_map(index)) for index in range(count)]))
        assert seen.tolist() == [*range(11), IGNORED]
        assert all(dataset.image(index).shape == (360, 480, 3) for index in range(count))


@needs_shared
def test_coco_masks_are_read_as_the_classes_of_voc(tmp_path):
    data = SHARED / "data" / "coco_val2017_dev"
    ids = "".join(f'{value} = "{name}"\n' for value, name in VOC_OF_COCO.items())
    tables = f'[val]\nimages = "{data / "images"}"\nmasks = "{data / "semantic_masks"}"\n'
    head = f'unlisted = "background"\nonly_with_masks = true\n[ids]\n0 = "ignore"\n{ids}'
    write_toml(tmp_path, head, tables, str(["background", *VOC_OF_COCO.values()]))
    dataset, boxes = opened(tmp_path), open_split(str(data), "val")
    assert len(dataset) == 100
    boxes_of = {boxes.source(index): boxes.annotation(index) for index in range(len(boxes))}
    for index in range(0, 100, 10):
        annotation, labels = boxes_of[dataset.source(index)], dataset.label_map(index)
        assert labels.shape == (annotation.height, annotation.width)
        has_people = boxes.labels.index("person") in annotation.class_indices
        assert has_people == (labels == dataset.labels.index("person")).any()
