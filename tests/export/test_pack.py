"""A pack is used only when every byte of it is the one that was written."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from edgewright_export.manifest import FileEntry
from edgewright_export.pack import open_pack
from edgewright_export.verify_cli import main as verify_main
from edgewright_train.errors import CheckError, EdgewrightError, InputError


@pytest.fixture
def pack(packs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(packs / "ncnn-fp32", tmp_path / "ncnn-fp32")


def edit_manifest(pack: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest and make its digest fit again: what a careless or hostile tool would do."""
    values = json.loads((pack / "manifest.json").read_text())
    change(values)
    text = json.dumps(values).encode()
    (pack / "manifest.json").write_bytes(text)
    (pack / "manifest.json.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  manifest.json\n")


def test_a_whole_pack_opens_and_verifies(pack: Path) -> None:
    assert open_pack(pack).manifest.labels == ("disc", "ring", "star")
    assert verify_main([f"--pack={pack}"]) == 0


def test_a_flipped_bit_anywhere_in_any_file_is_found(pack: Path) -> None:
    rng = np.random.default_rng(0)
    files = [path for path in pack.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"manifest.json", "manifest.json.sha256", "model.param", "model.bin"}
    for path in files:
        original = path.read_bytes()
        for position in {0, len(original) - 1, *rng.integers(0, len(original), 5).tolist()}:
            flipped = bytearray(original)
            flipped[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(flipped)
            with pytest.raises(EdgewrightError, match=path.name):
                open_pack(pack)
        path.write_bytes(original)
    open_pack(pack)


@pytest.mark.parametrize("name", ["manifest.json.sha256", "model.bin", "golden/001.safetensors"])
def test_a_missing_file_is_named(pack: Path, name: str) -> None:
    (pack / name).unlink()
    with pytest.raises(CheckError, match=f"{name} is missing"):
        open_pack(pack)


def test_a_folder_without_a_manifest_is_not_a_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_main([f"--pack={tmp_path}"]) == 2
    assert f"{tmp_path}: not a pack" in capsys.readouterr().err


def test_a_file_the_manifest_does_not_list_is_refused(pack: Path) -> None:
    (pack / "golden" / "extra.txt").write_text("hello")
    with pytest.raises(CheckError, match=r"golden/extra.txt is not in the manifest"):
        open_pack(pack)


def test_links_are_refused_even_to_equal_content(pack: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.bin"
    (pack / "model.bin").rename(moved)
    (pack / "model.bin").symlink_to(moved)
    with pytest.raises(CheckError, match="holds no links"):
        open_pack(pack)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format_version=2), r"format_version: 2 is newer than this edgewright reads \(1\)"),
        (lambda m: m.update(surprise=1), "surprise: unknown key"),
        (lambda m: m.pop("decode"), "decode: missing"),
        (lambda m: m.update(precision="fp8"), "precision: .*fp8"),
        (lambda m: m["files"][0].update(size_bytes="12"), r"files.0.size_bytes: .*'12'"),
        (lambda m: m["files"][0].update(path="../evil"), r"files.0.path: must be a plain relative path"),
        (lambda m: m["files"][0].update(size_bytes=2**40), r"files.0.size_bytes"),
        (lambda m: m["decode"]["scales"][0].update(stride=0), r"decode.scales.0.stride"),
        (lambda m: m["decode"]["scales"][0].update(output="nowhere"), "'nowhere' is not among the outputs"),
        (lambda m: m["outputs"][0].update(shape=[20, 4, 7]), "has shape"),
        (lambda m: m["input"]["preprocess"].update(width=-352), r"input.preprocess.width"),
        (lambda m: m["golden"].update(cases=["golden/999.safetensors"]), "not among the files"),
    ],
)
def test_a_manifest_that_is_not_one_names_the_field(
    pack: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit_manifest(pack, change)
    with pytest.raises(InputError, match=message):
        open_pack(pack)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format_version": NaN}', "\x00\xff"])
def test_a_manifest_that_is_no_json_object_is_one_line(pack: Path, text: str) -> None:
    raw = text.encode("latin-1")
    (pack / "manifest.json").write_bytes(raw)
    (pack / "manifest.json.sha256").write_text(f"{hashlib.sha256(raw).hexdigest()}  manifest.json\n")
    with pytest.raises(InputError, match=r"manifest\.json") as caught:
        open_pack(pack)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../b", "./a", "a//b", "c:\\x", "a\\b", "..", "a/", "a\0b"])
def test_paths_that_could_leave_the_pack_are_not_paths(path: str) -> None:
    with pytest.raises(ValidationError):
        FileEntry(path=path, size_bytes=0, sha256="0" * 64)


def test_verify_writes_json_and_fails_when_the_golden_values_are_not_reached(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_main([f"--pack={pack}", f"--json={tmp_path / 'out.json'}"]) == 0
    assert json.loads((tmp_path / "out.json").read_text())["num_images"] == 3
    edit_manifest(pack, lambda m: m["golden"]["tolerance"].update(max_error=0.0))
    assert verify_main([f"--pack={pack}"]) == 1
    assert "largest error" in capsys.readouterr().err
