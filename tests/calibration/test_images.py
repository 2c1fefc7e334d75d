"""The calibration set: chosen by a seed, the same every time, and refused where nothing can be learnt from it."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared

from edgewright_calibration.images import CalibrationImages, calibration_images
from edgewright_train.errors import InputError

Paint = Callable[[int], NDArray[np.uint8]]


def noise(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)


def write(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def folder_of(folder: Path, count: int, paint: Paint = noise) -> Path:
    """Unlabelled, jpg and png in turn."""
    for index in range(count):
        write(folder / f"{index:02d}{('.jpg', '.png')[index % 2]}", paint(index))
    return folder


def names(images: CalibrationImages) -> list[str]:
    return [entry.name for entry in images.entries]


def problem(data: Path | str | None, **options: int) -> str:
    with pytest.raises(InputError) as caught:
        calibration_images(None if data is None else str(data), "val", "detect", **options)
    return str(caught.value)


def test_a_folder_of_images_is_sampled_by_the_seed_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos", 20)
    write(folder / "masks" / "00.png", noise(0))
    (folder / "notes.txt").write_text("not an image")
    first, again, other = (calibration_images(str(folder), "val", "detect", count=10, seed=seed) for seed in (3, 3, 4))
    assert first.entries == again.entries
    assert set(names(first)) != set(names(other))
    assert len(first) == 10 == len(set(names(first)))
    assert first.dataset.name == "photos"
    assert first.split is None
    assert {name[-4:] for name in names(first)} == {".jpg", ".png"}


def test_images_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 8)
    images = calibration_images(str(folder), "val", "detect")
    assert [name for name, _ in images] == names(images)
    (path,) = folder.glob(f"{names(images)[-1]}")
    path.unlink()
    reader = iter(images)
    for _ in range(7):
        next(reader)
    with pytest.raises(InputError, match="No such file"):
        next(reader)


def test_a_digest_is_of_the_pixels_wherever_they_lie(tmp_path: Path) -> None:
    here, there = (
        calibration_images(str(folder_of(tmp_path / name, 9)), "val", "detect") for name in ("here", "there")
    )
    assert here.entries == there.entries
    assert here.dataset.fingerprint == there.dataset.fingerprint
    turned = calibration_images(
        str(folder_of(tmp_path / "turned", 9, lambda seed: noise(seed).reshape(16, 12, 3))), "val", "detect"
    )
    assert not {entry.sha256 for entry in turned.entries} & {entry.sha256 for entry in here.entries}


def test_every_class_of_a_labelled_set_is_there(tmp_path: Path) -> None:
    for index in range(40):
        write(tmp_path / "train" / "common" / f"{index}.png", noise(index))
    for index, label in enumerate(("rare", "rarer", "rarest")):
        write(tmp_path / "train" / label / f"{label}.png", noise(100 + index))
    images = calibration_images(str(tmp_path), "train", "classify", count=8)
    assert {"rare.png", "rarer.png", "rarest.png"} < set(names(images))
    assert images.split == "train"


def test_labels_of_another_task_do_as_well(tmp_path: Path) -> None:
    """A detector needs no boxes to be calibrated."""
    for index in range(20):
        write(tmp_path / "val" / "ab"[index % 2] / f"{index}.png", noise(index))
    images = calibration_images(str(tmp_path), "val", "detect", count=8)
    assert sorted(int(name.split(".")[0]) % 2 for name in names(images)) == [0] * 4 + [1] * 4


def test_masks_say_which_classes_an_image_shows(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text(
        'format = "masks"\nclasses = ["ground", "thing"]\n[val]\nimages = "images"\nmasks = "masks"\n'
    )
    for index in range(40):
        write(tmp_path / "images" / f"{index}.png", noise(index))
        mask = np.zeros((12, 16), np.uint8)
        mask[:4, :4] = index == 33
        write(tmp_path / "masks" / f"{index}.png", mask)
    assert "33.png" in names(calibration_images(str(tmp_path), "val", "segment", count=8))


def test_generated_images_come_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    images = calibration_images(None, "val", "detect", count=8)
    assert len(images) == 8
    assert "calibrating on generated images" in capsys.readouterr().err
    assert names(images)[0].startswith("shapes seed 0, val ")


def test_a_small_set_is_used_whole(tmp_path: Path) -> None:
    assert len(calibration_images(str(folder_of(tmp_path, 11)), "val", "detect", count=64)) == 11


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    assert problem(folder_of(tmp_path, 7)) == f"DATA={tmp_path}: 7 images; calibration needs at least 8"
    assert problem(tmp_path, count=7) == "CALIBRATION=7: must be a whole number from 8 to 4096"
    assert problem(tmp_path, count=4097).startswith("CALIBRATION=4097: ")
    assert problem(tmp_path, seed=-1).startswith("SEED=-1: must be a whole number from 0 to ")


BLACK = np.zeros((12, 16, 3), np.uint8)


@pytest.mark.parametrize(
    ("paint", "expected"),
    [
        (lambda index: BLACK[: 4 + index], "all 10 calibration images are black"),
        (lambda index: BLACK + np.uint8(9 + 8 * index), "all 10 calibration images are of a single colour each"),
        (lambda index: noise(0)[:8, :8] if index % 2 else BLACK, "only 2 of 10 calibration images differ"),
    ],
    ids=["black", "flat", "few"],
)
def test_images_without_content_are_refused(tmp_path: Path, paint: Paint, expected: str) -> None:
    for index in range(10):
        write(tmp_path / f"{index}.png", paint(index))
    assert problem(tmp_path).startswith(f"DATA={tmp_path}: {expected}")


def test_identical_images_are_refused(tmp_path: Path) -> None:
    for index in range(10):
        write(tmp_path / f"{index}.png", noise(0))
    assert problem(tmp_path) == f"DATA={tmp_path}: all 10 calibration images are identical"


def test_some_black_images_among_others_are_fine(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 12, lambda index: BLACK if index < 4 else noise(index))
    assert len(calibration_images(str(folder), "val", "detect")) == 12


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0 cut"])
def test_an_unreadable_image_is_named(tmp_path: Path, content: bytes) -> None:
    folder_of(tmp_path, 9)
    (tmp_path / "broken.jpg").write_bytes(content)
    assert problem(tmp_path).startswith(f"{tmp_path / 'broken.jpg'}: ")


def test_images_of_one_class_of_several_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text('format = "csv"\nclasses = ["cat", "dog"]\n[val]\ncsv = "val.csv"\n')
    (tmp_path / "val.csv").write_text("".join(f"{index}.png,cat\n" for index in range(9)))
    for index in range(9):
        write(tmp_path / f"{index}.png", noise(index))
    with pytest.raises(InputError, match=r"all 9 calibration images show the class 'cat' alone, of 2 classes"):
        calibration_images(str(tmp_path), "val", "classify")


def test_data_that_do_not_exist_and_folders_without_images_are_refused(tmp_path: Path) -> None:
    assert "no such file or folder" in problem(tmp_path / "absent")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    assert problem(tmp_path / "deep").endswith("and it holds no images itself")


def test_a_damaged_data_set_is_not_taken_for_a_folder_of_images(tmp_path: Path) -> None:
    folder_of(tmp_path, 9)
    (tmp_path / "dataset.toml").write_text("format = 'nonsense'")
    assert "format" in problem(tmp_path)


@needs_shared
def test_64_of_128_coco_images_show_every_class_that_the_128_show() -> None:
    images = calibration_images(str(SHARED / "data" / "coco_train2017_128"), "train", "detect", count=64)
    annotation = images.dataset.annotation  # type: ignore[attr-defined]
    shown = {int(label) for index in images.indices for label in annotation(index).class_indices}
    existing = {int(label) for index in range(len(images.dataset)) for label in annotation(index).class_indices}
    assert len(existing) == 71
    assert shown == existing
