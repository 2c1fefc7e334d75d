"""Tar shards: read at random through an index, with the names of webdataset, and never past a cut."""

import itertools
import tarfile

import cv2
import numpy as np
import pytest
from shard_data import boxes, image, write_tar, write_toml
from webdataset import WebDataset

from edgewright_train.data.augmentation.settings import Augmentation
from edgewright_train.data.formats import shard_index
from edgewright_train.data.loader import Loader
from edgewright_train.data.problems import Problems
from edgewright_train.data.resolve import open_split
from edgewright_train.errors import InputError


@pytest.fixture(autouse=True)
def _index_of_shards(monkeypatch, tmp_path_factory):
    """Written to the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("index"))


@pytest.fixture
def shards(tmp_path):
    """Three shards of two samples."""
    numbers = itertools.count()
    for shard in range(3):
        members = []
        for number in itertools.islice(numbers, 2):
            members += [(f"{number:04d}.png", image(number)), (f"{number:04d}.json", boxes(box=(0, 0, number + 1, 2)))]
        write_tar(tmp_path / f"x-{shard}.tar", members)
    write_toml(tmp_path)
    return tmp_path


def opened(folder, task="detect", problems=None):
    return open_split(str(folder), "train", task, problems)


def problem(folder, task="detect"):
    with pytest.raises(InputError) as caught:
        opened(folder, task)
    return str(caught.value)


def test_samples_are_read_at_random_and_again(shards):
    dataset = opened(shards)
    assert len(dataset) == 6
    for index in (5, 0, 3, 5):
        expected = cv2.imdecode(np.frombuffer(image(index), np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(dataset.image(index), expected)
        np.testing.assert_array_equal(dataset.annotation(index).boxes_xyxy, [[0, 0, index + 1, 2]])
        assert dataset.source(index) == f"{shards}/x-{index // 2}.tar:{index:04d}.png"


def test_the_library_reads_the_same_samples_in_the_same_order(shards):
    dataset = opened(shards)
    paths = [str(shards / f"x-{shard}.tar") for shard in range(3)]
    read = list(WebDataset(paths, shardshuffle=False))
    assert [sample["png"] for sample in read] == [dataset.encoded_image(index)[1] for index in range(6)]


def test_training_batches_are_the_same_from_any_step_on(shards):
    """Random access is what makes resuming exact: as with files."""
    settings = Augmentation(flip=0.5, zoom=(0.5, 2.0))
    loader = Loader(
        dataset=opened(shards), size_wh=(32, 32), augmentation=settings, batch_size=2, seed=3, num_workers=2
    )
    whole = [parts[0] for parts in loader.batches(0, 9)]
    later = [parts[0] for parts in loader.batches(5, 9)]
    for one, other in zip(whole[5:], later, strict=True):
        assert bool((one.images == other.images).all())
        assert bool((one.targets == other.targets).all())


def test_the_index_is_made_once_and_again_when_a_shard_changes(shards, monkeypatch):
    opened(shards)
    read = []
    monkeypatch.setattr(shard_index, "_read_members", lambda *arguments: read.append(arguments[0]) or [])
    assert len(opened(shards)) == 6
    assert read == []
    write_tar(shards / "x-1.tar", [("0009.png", image(9)), ("0009.json", boxes())])
    assert len(opened(shards)) == 4
    assert read == [shards / "x-1.tar"]


def test_a_damaged_index_is_made_again(shards):
    opened(shards)
    for path in shard_index._CACHE.iterdir():
        path.write_text("[[")
    assert len(opened(shards)) == 6


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("x-{0..1}.tar", 4), ("x-{0,2}.tar", 4), ("x-?.tar", 6), ("x-1.tar", 2), ("{x,x}-1.tar", None)],
)
def test_patterns_name_shards(shards, pattern, count):
    text = (shards / "dataset.toml").read_text()
    (shards / "dataset.toml").write_text(text.replace("x-*.tar", pattern))
    if count is None:
        assert "x-1.tar: 0002: the name is used twice, also in" in problem(shards)
    else:
        assert len(opened(shards)) == count


@pytest.mark.parametrize("cut", [1, 512, 513, 1000, 1500, 3000])
def test_a_shard_that_is_cut_short_is_refused_wherever_the_cut_is(shards, cut):
    path = shards / "x-1.tar"
    with tarfile.open(path) as archive:
        end = archive.getmembers()[-1].offset_data + archive.getmembers()[-1].size
    whole = path.read_bytes()
    path.write_bytes(whole[: max(end - cut, 1)])
    assert f"{path}: " in problem(shards)
    problems = Problems(skip=True)
    left = opened(shards, problems=problems)
    assert 4 <= len(left) < 6
    assert problems.found
    assert all(left.image(index).shape == (6, 8, 3) for index in range(len(left)))
    path.write_bytes(whole[: -(-end // 512) * 512])
    assert "x-1.tar: cut short or damaged: the end-of-archive mark is missing" in problem(shards)


def test_a_shard_with_a_damaged_header_is_refused(shards):
    path = shards / "x-1.tar"
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as archive:
        header = archive.getmembers()[2].offset
    data[header : header + 100] = b"\xff" * 100
    path.write_bytes(data)
    assert f"{path}: cut short or damaged" in problem(shards)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x1f\x8b\x08\0" + b"\0" * 600, bytes(1024)])
def test_what_is_no_tar_file_is_refused(shards, data):
    for shard in range(3):
        (shards / f"x-{shard}.tar").write_bytes(data)
    found = problem(shards)
    assert "tar: " in found


def test_links_and_missing_shards_are_refused(shards):
    with tarfile.open(shards / "x-1.tar", "w") as archive:
        info = tarfile.TarInfo("0001.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    assert "x-1.tar: 0001.png: must be a plain file" in problem(shards)
    text = (shards / "dataset.toml").read_text()
    (shards / "dataset.toml").write_text(text.replace("x-*.tar", "y-*.tar"))
    assert f"{shards}/y-*.tar: no such files" in problem(shards)
    (shards / "dataset.toml").write_text(text.replace("x-*.tar", "y-{0..3}.tar"))
    assert f"{shards}/y-0.tar: No such file or directory" in problem(shards)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.png", image(0))], "x-0.tar: a: no a.json"),
        ([("a.json", boxes())], "x-0.tar: a: 0 images; a sample has one, such as a.jpg"),
        ([("a.png", image(0)), ("a.jpg", image(0)), ("a.json", boxes())], "x-0.tar: a: 2 images"),
        ([("a.png", image(0)), ("a.png", image(0)), ("a.json", boxes())], "x-0.tar: a.png: is there twice"),
        ([("a.png", image(0)), ("a.json", b"{")], "x-0.tar: a.json: "),
        ([("a.png", image(0)), ("a.json", boxes(extra=1))], "x-0.tar: a.json: extra: unknown key"),
        ([("a.png", image(0)), ("a.json", boxes("cow"))], "a.json: objects.0.label: 'cow' is none of the classes"),
        (
            [("a.png", image(0)), ("a.json", boxes(box=(4, 1, 1, 4)))],
            "objects.0.box_xyxy: its end lies before its start",
        ),
        ([("a.png", image(0)), ("a.json", boxes(box=(9, 1, 11, 4)))], "objects.0.box_xyxy: lies outside its image"),
        ([("a.png", image(0)), ("a.json", boxes(box=(9, 1, 11)))], "a.json: objects.0.box_xyxy"),
        (
            [("a.png", image(0)), ("a.json", boxes(id=5)), ("b.png", image(1)), ("b.json", boxes(id=5))],
            "x-0.tar: b.json: id: 5 is used twice, also by",
        ),
    ],
)
def test_wrong_samples_are_named(tmp_path, members, message):
    write_tar(tmp_path / "x-0.tar", members)
    write_toml(tmp_path)
    assert message in problem(tmp_path)


def test_an_image_of_another_size_than_said_is_found_when_it_is_read(tmp_path):
    write_tar(tmp_path / "x-0.tar", [("a.png", image(0, (9, 6))), ("a.json", boxes())])
    write_toml(tmp_path)
    with pytest.raises(InputError, match=r"x-0.tar:a.png: the image is 9x6, its annotation says 8x6"):
        opened(tmp_path).image(0)


def test_classes_are_numbers_or_lists_of_names(tmp_path):
    write_tar(
        tmp_path / "x-0.tar", [("a.png", image(0)), ("a.cls", b"1\n"), ("a.json", b'{"classes": ["dog", "cat"]}')]
    )
    write_toml(tmp_path, "classify")
    assert opened(tmp_path, "classify").class_indices(0) == (1,)
    write_toml(tmp_path, "classify", "multi_label = true")
    assert opened(tmp_path, "classify").class_indices(0) == (0, 1)
    write_tar(tmp_path / "x-0.tar", [("a.png", image(0)), ("a.cls", b"2"), ("a.json", b'{"classes": ["cow"]}')])
    assert "a.json: classes: 'cow' is none of those in dataset.toml" in problem(tmp_path, "classify")
    write_toml(tmp_path, "classify")
    assert "a.cls: must be a number from 0 to 1, got '2'" in problem(tmp_path, "classify")


def test_masks_are_checked_against_their_images_and_classes(tmp_path):
    def write(mask):
        png = cv2.imencode(".png", np.asarray(mask, np.uint8))[1].tobytes()
        write_tar(tmp_path / "x-0.tar", [("a.png", image(0)), ("a.seg.png", png)])

    write_toml(tmp_path, "segment")
    write([[0, 1, 255, 0, 0, 0, 0, 0]] * 6)
    assert opened(tmp_path, "segment").label_map(0)[0, :3].tolist() == [0, 1, 255]
    write([[7] * 8] * 6)
    with pytest.raises(InputError, match=r"x-0.tar:a.seg.png: holds values that stand for no class: 7 \(48 pixels\)"):
        opened(tmp_path, "segment").label_map(0)
    write([[0] * 8] * 5)
    with pytest.raises(InputError, match=r"x-0.tar:a.seg.png: the mask is 8x5, its image 8x6"):
        opened(tmp_path, "segment").label_map(0)
    write_tar(tmp_path / "x-0.tar", [("a.png", image(0))])
    assert "x-0.tar: a: no mask, looked for a.seg.png" in problem(tmp_path, "segment")
    assert "DATA=" in problem(tmp_path, "detect")


def test_the_fingerprint_covers_what_samples_hold_and_not_where_they_lie(shards):
    was = opened(shards).fingerprint
    everything = []
    for shard in range(3):
        with tarfile.open(shards / f"x-{shard}.tar") as archive:
            everything += [(member.name, archive.extractfile(member).read()) for member in archive]
        (shards / f"x-{shard}.tar").unlink()
    write_tar(shards / "x-all.tar", everything)
    assert opened(shards).fingerprint == was
    write_tar(shards / "x-all.tar", [*everything[:-1], (everything[-1][0], boxes(box=(0, 0, 1, 1)))])
    assert opened(shards).fingerprint != was
