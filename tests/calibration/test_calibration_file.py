"""calibration.json: equal bytes for equal inputs, written whole, read strictly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright_calibration.calibration import (
    Calibration,
    read_calibration,
    write_calibration,
)
from edgewright_calibration.methods import METHODS
from edgewright_calibration.ranges import Range
from edgewright_export.image_records import DatasetRecord, ImageRecord
from edgewright_train.errors import InputError
from edgewright_train.vision.preprocess import Preprocess

NODES = {"image": Range(low=0.0, high=1.0), "conv2d": Range(low=-0.1, high=2.3456789012345678)}


@pytest.fixture
def calibration() -> Calibration:
    return Calibration(
        model="small",
        task="detect",
        checkpoint_sha256="0" * 64,
        preprocess=Preprocess(
            width=64, height=32, colour_order="bgr", resize="stretch", interpolation="linear",
            mean=(0.0, 0.0, 0.0), scale=(1 / 255, 1 / 255, 1 / 255),
        ),
        dataset=DatasetRecord(name="photos", sha256="1" * 64, split=None),
        seed=0,
        images=tuple(ImageRecord(name=f"{index}.png", sha256="2" * 64) for index in range(8)),
        tools={"torch": "2"},
        clipped=dict.fromkeys(METHODS, 0.0),
        ranges=dict.fromkeys(METHODS, NODES),
    )  # fmt: skip


def test_what_is_written_is_what_is_read(calibration: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "model" / "calibration.json"
    write_calibration(path, calibration)
    found = read_calibration(path)
    assert found == calibration
    assert found.digest == calibration.digest
    assert found.json_bytes == path.read_bytes()


def test_the_digest_is_of_the_file(calibration: Calibration, tmp_path: Path) -> None:
    from edgewright_export.pack import digest_file  # noqa: PLC0415

    write_calibration(tmp_path / "c.json", calibration)
    assert digest_file(tmp_path / "c.json") == calibration.digest


def test_ranges_are_given_by_method(calibration: Calibration) -> None:
    found = calibration.ranges_of("mse")
    assert (found.method, found.nodes) == ("mse", NODES)


def test_an_unknown_method_lists_the_known_ones(calibration: Calibration) -> None:
    with pytest.raises(InputError, match=r"METHOD=best: unknown; choose from: min_max, moving_average, .*aciq"):
        calibration.ranges_of("best")


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(record: Any) -> None:
        for part in path[:-1]:
            record = record[part]
        record[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_set("extra", value=1), "extra: unknown key"),
        (lambda record: record.pop("seed"), "seed: missing"),
        (_set("format_version", value=2), "format_version: "),
        (_set("seed", value=-1), "seed: "),
        (_set("checkpoint_sha256", value="0"), "checkpoint_sha256: "),
        (_set("images", value=[]), "images: "),
        (_set("images", 0, "sha256", value="x" * 64), "images.0.sha256: "),
        (_set("ranges", value={}), "ranges: "),
        (_set("ranges", "mse", "conv2d", "low", value=9.0), "ranges.mse.conv2d: low 9.0 is above high"),
        (_set("ranges", "mse", "conv2d", "low", value=float("nan")), "ranges.mse.conv2d.low: "),
        (_set("ranges", "mse", "conv2d", "high", value=float("inf")), "ranges.mse.conv2d.high: "),
        (_set("ranges", "mse", "conv2d", "high", value="1"), "ranges.mse.conv2d.high: "),
        (lambda record: record["ranges"]["mse"].pop("image"), "ranges.mse: its nodes are not those"),
        (lambda record: record["clipped"].pop("mse"), "clipped: its methods are not those"),
        (_set("clipped", "mse", value=1.5), "clipped.mse: "),
    ],
)
def test_anything_else_is_refused_by_field(
    calibration: Calibration, tmp_path: Path, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    record = json.loads(calibration.json_bytes)
    change(record)
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError) as caught:
        read_calibration(path)
    assert str(caught.value).startswith(f"{path}: {expected}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_what_is_no_calibration_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        read_calibration(tmp_path / "absent.json")
