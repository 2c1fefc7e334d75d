"""Packages that are not what they should be: one line that names the package and the part, never a traceback."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb  # noqa: N813
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mil_cases.programs import edit_model, operations_of, random, save_program

from edgewright_export.mil import Interpreter, blob
from edgewright_export.mil import package as package_module
from edgewright_train.errors import InputError

SHAPE = (1, 2, 5, 4)
MODEL, WEIGHTS = "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"
FIRST_RECORD = 64


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """conv (its 24 weights in the weight file), then leaky_relu."""

    def build(x: Any) -> Any:
        weight = random(4, 2, 3, 1)
        return mb.leaky_relu(x=mb.conv(x=x, weight=weight, pad_type="same"), alpha=np.float32(0.1))

    return save_program(tmp_path_factory.mktemp("saved"), build, [(SHAPE, np.float32)])


@pytest.fixture
def package(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy.mlpackage"))


def refusal(package: Path) -> str:
    with pytest.raises(InputError) as refused:
        Interpreter(package).run({"x": random(*SHAPE)})
    message = str(refused.value)
    assert message.startswith(str(package))
    assert "\n" not in message
    return message.removeprefix(str(package))


def test_the_whole_package_runs(package: Path) -> None:
    assert Interpreter(package).run({"x": random(*SHAPE)}).popitem()[1].shape == (1, 4, 5, 4)


def test_a_folder_without_manifest_is_not_a_package(package: Path) -> None:
    (package / "Manifest.json").unlink()
    assert "it has no Manifest.json" in refusal(package)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"fileFormatVersion": 1}'])
def test_a_manifest_that_is_not_one_is_refused(package: Path, text: bytes) -> None:
    (package / "Manifest.json").write_bytes(text)
    assert "Manifest.json" in refusal(package)


def edit_manifest(package: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = package / "Manifest.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    file.write_text(json.dumps(manifest))


def test_a_root_that_is_no_item_is_refused(package: Path) -> None:
    edit_manifest(package, lambda manifest: manifest.update(rootModelIdentifier="other"))
    assert "rootModelIdentifier: 'other' is not an item" in refusal(package)


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "com.apple.CoreML/../../../x", "..", "a\0b"])
def test_a_path_that_leaves_the_package_is_refused(package: Path, path: str) -> None:
    def redirect(manifest: dict[str, Any]) -> None:
        manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = path

    edit_manifest(package, redirect)
    assert "leaves the package" in refusal(package)


def test_a_link_out_of_the_package_is_refused(package: Path, tmp_path: Path) -> None:
    outside = tmp_path / "weights"
    (package / WEIGHTS).rename(outside)
    (package / WEIGHTS).symlink_to(outside)
    assert "leaves the package" in refusal(package)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("@model_path/../../../secret", "leaves the package"),
        ("weights/weight.bin", "must start with @model_path/"),
        ("@model_path/weights/other.bin", "weights/other.bin is missing"),
    ],
)
def test_a_weight_file_outside_the_package_is_refused(package: Path, name: str, problem: str) -> None:
    def redirect(model: Any) -> None:
        for operation in operations_of(model):
            if operation.attributes["val"].HasField("blobFileValue"):
                operation.attributes["val"].blobFileValue.fileName = name

    edit_model(package, redirect)
    assert problem in refusal(package)


@pytest.mark.parametrize("part", ["Data", MODEL, WEIGHTS])
def test_a_missing_part_is_named(package: Path, part: str) -> None:
    path = package / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "is missing" in refusal(package)


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(100), b"\x0a\xff\xff\xff\xff\x0f"])
def test_a_model_file_that_is_not_one_is_refused(package: Path, content: bytes) -> None:
    (package / MODEL).write_bytes(content)
    assert "model.mlmodel: " in refusal(package)


@pytest.mark.parametrize("size", [0, 63, FIRST_RECORD, FIRST_RECORD + 31, FIRST_RECORD + 32, 200])
def test_a_weight_file_cut_short_is_refused_with_the_offset(package: Path, size: int) -> None:
    os.truncate(package / WEIGHTS, size)
    assert "weight.bin at offset 64: " in refusal(package)
    assert f"past the end of the file ({size} bytes)" in refusal(package)


@pytest.mark.parametrize(
    ("field", "layout", "value", "problem"),
    [
        (0, "<I", 0xDEADBEE0, "no record here (sentinel 0xdeadbee0"),
        (4, "<I", 1, "data type 1, the program declares FLOAT32[4, 2, 3, 1]"),
        (8, "<Q", 92, "92 bytes with 0 unused bits"),
        (16, "<Q", 2**63, "past the end of the file"),
        (24, "<Q", 3, "96 bytes with 3 unused bits"),
    ],
)
def test_a_damaged_record_is_refused_with_the_field(
    package: Path, field: int, layout: str, value: int, problem: str
) -> None:
    content = bytearray((package / WEIGHTS).read_bytes())
    struct.pack_into(layout, content, FIRST_RECORD + field, value)
    (package / WEIGHTS).write_bytes(content)
    assert problem in refusal(package)


@pytest.mark.parametrize(
    ("module", "limit"),
    [(package_module, "_MAX_MANIFEST_BYTES"), (package_module, "_MAX_MODEL_BYTES"), (blob, "MAX_BYTES")],
)
def test_a_file_over_its_size_limit_is_not_read(
    package: Path, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str
) -> None:
    monkeypatch.setattr(module, limit, 50)
    assert "50" in refusal(package)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(["Manifest.json", MODEL, WEIGHTS]),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), max_size=3),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_any_damage_is_an_input_error_or_harmless(
    package: Path, saved: Path, file: str, edits: list[tuple[float, bytes]], keep: float
) -> None:
    content = bytearray((saved / file).read_bytes())
    for place, patch in edits:
        start = int(place * len(content))
        content[start : start + len(patch)] = patch
    (package / file).write_bytes(content[: round(keep * len(content))])
    message = ""
    try:
        Interpreter(package).run({"x": random(*SHAPE)})
    except InputError as error:
        message = str(error)
    finally:
        shutil.copyfile(saved / file, package / file)
    assert "\n" not in message
