"""What is written in one format and read back is what it was, wherever the format can hold it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from shared_material import SHARED, needs_shared
from voc_data import write_voc

from edgewright_train.commands.convert_data import main
from edgewright_train.data.augmentation.settings import Augmentation
from edgewright_train.data.loader import Loader
from edgewright_train.data.resolve import list_splits, open_split


@pytest.fixture(autouse=True)
def _index_of_shards(monkeypatch, tmp_path_factory):
    """Written to the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("index"))


def convert(data, kind, out, *options):
    assert main([f"--data={data}", f"--format={kind}", f"--out={out}", *options]) == 0
    return out


def write_random_coco(folder, seed, *, crowds=True):
    """Twelve images in two splits, with boxes at fractions of pixels."""
    rng = np.random.default_rng(seed)
    labels = ["zebra", "ant & bee", "café"]
    toml = 'format = "coco"\n'
    for split, count in {"train": 9, "val": 3}.items():
        images, objects = [], []
        for number in range(count):
            width, height = (int(side) for side in rng.integers(20, 90, 2))
            path = folder / split / f"{split} {number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = rng.integers(0, 255, (height, width, 3), np.uint8)
            path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
            images.append({"id": 1000 + number, "file_name": path.name, "width": width, "height": height})
            for _ in range(int(rng.integers(0, 5)) or number == 0):
                start = np.float32(rng.uniform(0, 0.7, 2) * (width, height))
                side = np.float32(rng.uniform(0.05, 0.3, 2) * (width, height))
                box = [*map(float, start), *map(float, side)]
                crowd = int(crowds and rng.uniform() < 0.3)
                common = {"id": len(objects) + 1, "image_id": 1000 + number, "category_id": int(rng.integers(1, 4))}
                objects.append(common | {"bbox": box, "area": float(rng.uniform(1, 50)), "iscrowd": crowd})
        categories = [{"id": index + 1, "name": label} for index, label in enumerate(labels)]
        document = {"images": images, "annotations": objects, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(document))
        toml += f'[{split}]\nimages = "{split}"\nannotations = "{split}.json"\n'
    (folder / "dataset.toml").write_text(toml)
    return folder


def assert_equal_boxes(one, other, *, ids=True, areas=True, crowds=True):
    assert one.labels == other.labels
    assert len(one) == len(other)
    for index in range(len(one)):
        np.testing.assert_array_equal(one.image(index), other.image(index))
        was, now = one.annotation(index), other.annotation(index)
        kept = np.ones(len(was.boxes_xyxy), bool) if crowds else ~was.is_crowd
        np.testing.assert_array_equal(was.boxes_xyxy[kept], now.boxes_xyxy)
        np.testing.assert_array_equal(was.class_indices[kept], now.class_indices)
        np.testing.assert_array_equal(was.is_crowd[kept], now.is_crowd)
        assert (was.width, was.height) == (now.width, now.height)
        if areas:
            np.testing.assert_array_equal(was.areas_px, now.areas_px)
        if ids:
            assert was.image_id == now.image_id


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("coco", {}),
        ("webdataset", {}),
        ("voc", {"ids": False, "areas": False}),
        ("darknet", {"ids": False, "areas": False, "crowds": False}),
    ],
)
def test_boxes_read_back_bit_for_bit(tmp_path, kind, held, seed):
    was = write_random_coco(tmp_path / "was", seed)
    now = convert(was, kind, tmp_path / "now")
    assert set(list_splits(str(now))) == {"train", "val"}
    for split in ("train", "val"):
        assert_equal_boxes(open_split(str(was), split), open_split(str(now), split), **held)


@pytest.mark.parametrize("seed", range(2))
def test_a_tour_through_all_formats_changes_no_box(tmp_path, seed):
    was = here = write_random_coco(tmp_path / "was", seed, crowds=False)
    for kind in ("voc", "darknet", "webdataset", "coco", "darknet", "voc"):
        here = convert(here, kind, tmp_path / f"{here.name}-{kind}")
    for split in ("train", "val"):
        assert_equal_boxes(open_split(str(was), split), open_split(str(here), split), ids=False, areas=False)


def test_training_batches_from_shards_are_those_from_the_files(tmp_path):
    was = write_random_coco(tmp_path / "was", 0)
    now = convert(was, "webdataset", tmp_path / "now")
    settings = Augmentation(flip=0.5, zoom=(0.5, 2.0), hue=0.1)
    loaders = [
        Loader(
            dataset=open_split(str(data), "train"),
            size_wh=(64, 64),
            augmentation=settings,
            batch_size=4,
            seed=1,
            num_workers=2,
        )
        for data in (was, now)
    ]
    for one, other in zip(*(loader.batches(0, 6) for loader in loaders), strict=True):
        assert bool((one[0].images == other[0].images).all())
        assert bool((one[0].targets == other[0].targets).all())


def test_images_are_copied_byte_for_byte(tmp_path):
    voc = write_voc(tmp_path / "voc")
    for kind in ("darknet", "coco", "voc"):
        dataset = open_split(str(convert(voc, kind, tmp_path / f"to-{kind}")), "train")
        assert Path(dataset.source(0)).read_bytes() == (voc / "JPEGImages" / "a.jpg").read_bytes()


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("darknet", {"crowd or difficult objects, left out": 1}),
        ("coco", {'marks "difficult", now "crowd"': 1}),
        ("voc", {}),
        ("webdataset", {}),
    ],
)
def test_says_what_the_format_cannot_hold(tmp_path, kind, lost, capsys):
    convert(write_voc(tmp_path / "voc"), kind, tmp_path / "now", "--json=-")
    assert json.loads(capsys.readouterr().out)["lost"] == lost


def test_the_difficult_flag_survives_voc_and_shards(tmp_path):
    was = write_voc(tmp_path / "voc")
    for kind in ("voc", "webdataset"):
        found = open_split(str(convert(was, kind, tmp_path / f"to-{kind}")), "train").annotation(0)
        assert found.is_difficult.tolist() == [False, True]
        assert found.is_crowd.tolist() == [False, True]


def test_masks_and_classes_go_into_shards(tmp_path):
    voc = write_voc(tmp_path / "voc")
    for task in ("segment", "classify"):
        was = open_split(str(voc), "train", task)
        now = open_split(str(convert(voc, "webdataset", tmp_path / task, f"--task={task}")), "train", task)
        assert was.labels == now.labels
        for index in range(len(was)):
            np.testing.assert_array_equal(was.image(index), now.image(index))
            if task == "segment":
                np.testing.assert_array_equal(was.label_map(index), now.label_map(index))
            else:
                assert was.class_indices(index) == now.class_indices(index)
                assert now.multi_label


def test_generated_images_can_be_written(tmp_path):
    (tmp_path / "dataset.toml").write_text('format = "shapes"\ntrain = 3\nval = 2\ntest = 2\nwidth = 64\nheight = 64\n')
    out = convert(tmp_path / "dataset.toml", "coco", tmp_path / "coco")
    assert_equal_boxes(open_split(str(tmp_path), "train"), open_split(str(out), "train"), ids=False)


def test_data_without_splits_need_a_name_for_theirs(tmp_path, capsys):
    coco = write_random_coco(tmp_path / "coco", 0)
    (coco / "dataset.toml").unlink()
    assert main([f"--data={coco / 'val.json'}", "--format=voc", f"--out={tmp_path / 'x'}"]) == 2
    assert "has no splits; SPLIT=train, val or test says what to call its images" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    out = convert(coco / "val.json", "voc", tmp_path / "y", "--split=test")
    assert list_splits(str(out)) == ("test",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format=voc", "--task=classify"), "FORMAT=voc: holds boxes only; TASK=classify needs FORMAT=webdataset"),
        (("--format=voc", "--split=dev"), "SPLIT=dev: must be one of train, val, test"),
        (("--format=webdataset", "--shard-megabytes=0"), "SHARD_MEGABYTES=0: must be from 1"),
    ],
)
def test_wrong_values_are_named(tmp_path, capsys, options, message):
    assert main([f"--data={write_voc(tmp_path / 'voc')}", f"--out={tmp_path / 'x'}", *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path, capsys):
    voc = write_voc(tmp_path / "voc")
    assert main([f"--data={voc}", f"--out={voc}", "--format=coco"]) == 2
    assert "holds something already" in capsys.readouterr().err


def test_a_bad_record_stops_it_or_is_left_out(tmp_path, capsys):
    voc = write_voc(tmp_path / "voc")
    (voc / "Annotations" / "b.xml").write_text("<annotation>")
    (voc / "JPEGImages" / "a.jpg").write_bytes((voc / "JPEGImages" / "a.jpg").read_bytes()[:-2])
    assert main([f"--data={voc}", f"--out={tmp_path / 'x'}", "--format=coco"]) == 2
    assert "b.xml:1: not valid XML" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["voc"]
    (voc / "ImageSets" / "Main" / "train.txt").write_text("a\nb\nc\n")
    (voc / "JPEGImages" / "c.png").write_bytes((voc / "JPEGImages" / "b.png").read_bytes())
    (voc / "Annotations" / "c.xml").write_text((voc / "Annotations" / "a.xml").read_text())
    out = convert(voc, "voc", tmp_path / "x", "--skip-bad", "--json=-")
    assert len(json.loads(capsys.readouterr().out)["bad_records"]) == 2
    assert len(open_split(str(out), "train")) == 1


@needs_shared
def test_published_coco_survives_a_round_trip(tmp_path):
    data = SHARED / "data" / "coco_val2017_dev"
    out = convert(data, "coco", tmp_path / "coco", "--split=val")
    was, now = open_split(str(data), "val"), open_split(str(out), "val")
    assert len(was) == len(now) == 177
    for index in range(len(was)):
        one, other = was.annotation(index), now.annotation(index)
        np.testing.assert_array_equal(one.boxes_xyxy, other.boxes_xyxy)
        np.testing.assert_array_equal(one.areas_px, other.areas_px)
        assert one.image_id == other.image_id
