"""The C++ core and Python see the same pixels and the same tensor, bit for bit, and accept the same manifests."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from driving import drive
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared
from small_pack import KINDS, preprocess, write_ncnn_pack

from edgewright_export.manifest import Manifest
from edgewright_export.pack import MANIFEST
from edgewright_train.errors import InputError
from edgewright_train.schema import parse_record_json
from edgewright_train.vision.read_image import read_image


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def _random_sizes() -> list[tuple[int, int, int, int]]:
    rng = np.random.default_rng(7)
    anywhere = [tuple(int(v) for v in rng.integers(1, limit, 4)) for limit in (4, 20, 150, 500) for _ in range(8)]
    halves = [(2 * w, 2 * h, w, h) for _, _, w, h in anywhere[:6]]
    return [*anywhere, *halves, (640, 480, 352, 352), (353, 351, 352, 352), (1, 400, 352, 1)]


@pytest.mark.parametrize("sizes", _random_sizes(), ids=lambda s: "{}x{}-{}x{}".format(*s))
def test_resizing_gives_the_pixels_of_cv2(driver: Path, sizes: tuple[int, int, int, int]) -> None:
    source_width, source_height, width, height = sizes
    image = _noise(np.random.default_rng(sum(sizes)), source_height, source_width)
    expected = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    assert drive(driver, "resize", *sizes, given=image.tobytes()) == expected.tobytes()


def test_normalising_gives_the_floats_of_numpy(driver: Path, pack: Path) -> None:
    image = _noise(np.random.default_rng(1), 32, 64)
    found = drive(driver, "normalise", pack / MANIFEST, given=image.tobytes())
    assert found == preprocess().normalise(image).tobytes()


def _pictures(folder: Path) -> list[Path]:
    """One file per kind of encoding that may come along."""
    rng = np.random.default_rng(3)
    smooth = cv2.resize(_noise(rng, 9, 13), (161, 93), interpolation=cv2.INTER_CUBIC)
    jpeg = {
        "q30": [cv2.IMWRITE_JPEG_QUALITY, 30],
        "q95": [cv2.IMWRITE_JPEG_QUALITY, 95],
        "444": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
        "422": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422],
        "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    }
    for name, options in jpeg.items():
        cv2.imwrite(str(folder / f"{name}.jpg"), smooth, options)
    cv2.imwrite(str(folder / "gray.jpg"), smooth[:, :, 0])
    rotated = cv2.imencode(".jpg", smooth)[1].tobytes()
    (folder / "rotated.jpg").write_bytes(rotated[:2] + _EXIF_ORIENTATION_6 + rotated[2:])
    cv2.imwrite(str(folder / "colour.png"), smooth)
    cv2.imwrite(str(folder / "gray.png"), smooth[:, :, 0])
    cv2.imwrite(str(folder / "alpha.png"), np.dstack((smooth, smooth[:, :, 1])))
    cv2.imwrite(str(folder / "sixteen.png"), smooth.astype(np.uint16) * 257)
    return sorted(folder.iterdir())


# An APP1 segment: little-endian TIFF, one entry: orientation (0x0112), short, 6 = rotate by 90 degrees.
_EXIF_ORIENTATION_6 = bytes.fromhex("ffe1002245786966000049492a0008000000010012010300010000000600000000000000")


def _assert_same_pixels(driver: Path, path: Path) -> None:
    expected = read_image(path)
    size, _, pixels = drive(driver, "image", path).partition(b"\n")
    assert size.split() == [str(side).encode() for side in expected.shape[1::-1]], path.name
    assert pixels == expected.tobytes(), path.name


def test_image_files_give_the_pixels_of_cv2(driver: Path, tmp_path: Path) -> None:
    for path in _pictures(tmp_path):
        _assert_same_pixels(driver, path)


@needs_shared
def test_photographs_give_the_pixels_of_cv2(driver: Path) -> None:
    photographs = sorted((SHARED / "data/coco_val2017_dev").rglob("*.jpg"))[:25]
    assert len(photographs) == 25
    for path in photographs:
        _assert_same_pixels(driver, path)


def _mutants(manifest: str) -> list[str]:
    """The manifest with one leaf, one key or one whole branch changed, in every place and several ways."""
    strangers = (
        "null",
        "true",
        "-1",
        "0",
        "1",
        "0.5",
        "1e300",
        "2147483648",
        '""',
        '"x"',
        "[]",
        "{}",
        '"../x"',
        "[1, 2]",
    )
    mutants = []

    def visit(value: object, path: list[str | int]) -> None:
        mutants.extend(_replaced(manifest, path, json.loads(stranger)) for stranger in strangers)
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            visit(child, [*path, key])

    for key, value in json.loads(manifest).items():
        visit(value, [key])
    return mutants


def _with_another_output(manifest: str) -> list[str]:
    """Every scale with the output of every other: an output may have the shape that one of its two readers needs."""
    document = json.loads(manifest)
    scales = range(len(document["decode"].get("scales", ())))
    names = [output["name"] for output in document["outputs"]]
    return [_replaced(manifest, ["decode", "scales", scale, "output"], name) for scale in scales for name in names]


def _replaced(manifest: str, path: list[str | int], value: object) -> str:
    document = json.loads(manifest)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return json.dumps(document)


def _assert_same_verdicts(manifests: list[str], verdicts: list[str]) -> None:
    for manifest, verdict in zip(manifests, verdicts, strict=True):
        try:
            parse_record_json(Manifest, manifest, source="manifest.json")
            expected = "ok"
        except InputError as error:
            expected = str(error)
        assert (verdict == "ok") == (expected == "ok"), (verdict, expected, manifest)


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_accept_and_refuse_the_same_manifests(driver: Path, kind: str, tmp_path: Path) -> None:
    manifest = (write_ncnn_pack(tmp_path / "pack", kind=kind) / MANIFEST).read_text()
    mutants = [*_mutants(manifest), *_with_another_output(manifest)]
    (tmp_path / "lines").write_text("\n".join(mutants))
    verdicts = drive(driver, "manifests", tmp_path / "lines").decode().splitlines()
    assert len(verdicts) == len(mutants) > 900
    _assert_same_verdicts(mutants, verdicts)


@pytest.mark.parametrize("target", ["tflite", "ncnn"])
def test_both_sides_accept_and_refuse_the_same_manifests_in_few_bits(driver: Path, target: str, tmp_path: Path) -> None:
    manifest = json.loads((write_ncnn_pack(tmp_path / "pack") / MANIFEST).read_text())
    digest, steps = "0" * 64, {"scale": 0.5, "zero_point": -3}
    manifest |= {"target": target, "precision": "int8"}
    manifest["quantisation"] = {
        "method": "mse", "calibration_sha256": digest, "plan_sha256": digest, "num_layers": 3,
        "float_layers": ["conv2d"], "float_cosine": 0.99,
    }  # fmt: skip
    manifest["accuracy"] = {
        "dataset": "d", "dataset_sha256": digest, "num_images": 1, "metric": "AP50", "value": 0.5, "source_value": 0.6,
        "score_threshold": 0.001, "iou_threshold": 0.4, "budget": 0.2, "loss_low": -0.1, "loss_high": 0.2,
    }  # fmt: skip
    for end in (manifest["input"], *manifest["outputs"]):
        end["steps"] = steps
    text = json.dumps(manifest)
    mutants = [text, *_mutants(text)]
    (tmp_path / "lines").write_text("\n".join(mutants))
    verdicts = drive(driver, "manifests", tmp_path / "lines").decode().splitlines()
    assert (verdicts[0] == "ok") == (target == "tflite")
    _assert_same_verdicts(mutants, verdicts)


def test_both_sides_accept_and_refuse_the_same_letterboxed_manifests(driver: Path, tmp_path: Path) -> None:
    manifest = json.loads((write_ncnn_pack(tmp_path / "pack", kind="classify") / MANIFEST).read_text())
    manifest["input"]["preprocess"] |= {"resize": "letterbox", "padding": 114}
    text = json.dumps(manifest)
    pads: list[object] = [None, 0, 255, 256, -1, 0.5, "0", True, [114]]
    padded = [_replaced(text, ["input", "preprocess", "padding"], pad) for pad in pads]
    kinds = ("stretch", "letterbox", "fit")
    rules = [_replaced(pad, ["input", "preprocess", "resize"], kind) for pad in padded for kind in kinds]
    mutants = [text, *rules, *_mutants(text)]
    (tmp_path / "lines").write_text("\n".join(mutants))
    verdicts = drive(driver, "manifests", tmp_path / "lines").decode().splitlines()
    assert verdicts[0] == "ok"
    _assert_same_verdicts(mutants, verdicts)


def test_an_onnx_pack_is_a_manifest_the_core_accepts(driver: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    folder = write_ncnn_pack(tmp_path / "onnx", target="onnx", entry="model.onnx")
    text = json.dumps(json.loads((folder / MANIFEST).read_text()))
    (tmp_path / "line").write_text(text)
    assert drive(driver, "manifests", tmp_path / "line") == b"ok\n"
