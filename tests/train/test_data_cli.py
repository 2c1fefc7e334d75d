"""`edgewright-data` writes what the generator makes, whole or not at all, and never over someone's files."""

import json
import resource
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edgewright_train.commands.generate_data import main
from edgewright_train.data.resolve import list_splits, open_split
from edgewright_train.data.shapes.dataset import ShapesDataset


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "with space" / "shapes"
    assert main([f"--out={out}", "--seed=5", "--count=12", "--size=128x96"]) == 0
    return out


def generated(split, count):
    return ShapesDataset(split, seed=5, count=count, size_wh=(128, 96))


@pytest.mark.parametrize(("split", "count"), [("train", 12), ("val", 1)])
def test_reads_back_as_it_was_generated(written, split, count):
    assert list_splits(str(written)) == ("train", "val")
    read, made = open_split(str(written), split), generated(split, count)
    assert len(read) == count
    assert read.labels == made.labels
    for index in range(count):
        one, other = read.annotation(index), made.annotation(index)
        np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1e-4)
        np.testing.assert_array_equal(one.class_indices, other.class_indices)
        assert (one.width, one.height) == (128, 96)
        error = np.abs(read.image(index).astype(int) - made.image(index).astype(int))
        assert error.mean() < 6


def test_masks_and_image_classes_lie_beside_the_images(written):
    made = generated("train", 12)
    lines = (written / "image_classes" / "train.txt").read_text().splitlines()
    for index in range(12):
        semantic = cv2.imread(str(written / f"semantic_masks/train/{index:06d}.png"), cv2.IMREAD_UNCHANGED)
        instance = cv2.imread(str(written / f"instance_masks/train/{index:06d}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(semantic, made.semantics(index))
        np.testing.assert_array_equal(instance, made.instances(index))
        assert lines[index] == f"images/train/{index:06d}.jpg {made.labels[made.image_class(index)]}"
    assert cv2.imread(str(written / "preview.png")) is not None


def test_the_same_call_writes_the_same_bytes(written, tmp_path):
    assert main([f"--out={tmp_path / 'again'}", "--seed=5", "--count=12", "--size=128x96"]) == 0
    files = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert len(files) == 13 * 4 + 9
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (written / file).read_bytes()


def test_replaces_what_it_wrote_before(tmp_path, capsys):
    out = tmp_path / "shapes"
    assert main([f"--out={out}", "--count=3", "--size=64"]) == 0
    capsys.readouterr()
    assert main([f"--out={out}", "--count=2", "--size=64", "--seed=", "--json=-"]) == 0
    assert len(list((out / "images" / "train").iterdir())) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == {"train": 2, "val": 1}
    assert report["fingerprints"]["val"] == ShapesDataset("val", count=1, size_wh=(64, 64)).fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["shapes"]


def test_leaves_a_folder_it_did_not_make_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main([f"--out={tmp_path}", "--count=2", "--size=64"]) == 2
    assert main([f"--out={tmp_path / 'thesis.txt'}", "--count=2", "--size=64"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    errors = capsys.readouterr().err.splitlines()
    assert "holds files that edgewright-data did not write" in errors[0]
    assert "is a file; give a folder" in errors[1]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--count=0", "COUNT=0: must be a whole number from 1 to 1000000"),
        ("--count=-3", "COUNT=-3: must be"),
        ("--seed=-1", "SEED=-1: must be"),
        ("--size=big", "SIZE=big: give WIDTHxHEIGHT"),
        ("--size=32x64", "at least 64 pixels, got (32, 64)"),
    ],
)
def test_wrong_values_are_named(tmp_path, capsys, argument, message):
    assert main([f"--out={tmp_path / 'x'}", argument]) == 2
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_disk_that_fills_up_leaves_no_folder(tmp_path):
    """Stood in for by a limit on the size of a file, which the preview exceeds."""
    run = subprocess.run(
        [sys.executable, "-m", "edgewright_train.commands.generate_data", f"--out={tmp_path / 'x'}", "--count=2"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "error: " in run.stderr
    assert "File too large" in run.stderr
    assert not any(tmp_path.iterdir())
