"""The ncnn source is the pinned one, whole, or it is not used."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from edgewright_edge.building import fetch_ncnn
from edgewright_train.errors import CheckError, InputError

_ARCHIVE = f"ncnn-{fetch_ncnn.VERSION}.tar.gz"


def _write_archive(folder: Path) -> str:
    """One file in one top folder; the SHA-256."""
    with tarfile.open(folder / _ARCHIVE, "w:gz") as tar:
        info = tarfile.TarInfo("ncnn-1/src/net.h")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"text"))
    return hashlib.sha256((folder / _ARCHIVE).read_bytes()).hexdigest()


def test_an_archive_put_there_by_hand_is_unpacked_without_its_top_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_ncnn, "SHA256", _write_archive(tmp_path))
    source = fetch_ncnn.fetch_ncnn(tmp_path)
    assert (source / "src/net.h").read_text() == "text"
    (tmp_path / _ARCHIVE).unlink()
    assert fetch_ncnn.fetch_ncnn(tmp_path) == source  # a second call needs nothing


def test_another_archive_is_refused(tmp_path: Path) -> None:
    _write_archive(tmp_path)
    with pytest.raises(CheckError, match="the pinned release has"):
        fetch_ncnn.fetch_ncnn(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [_ARCHIVE]


def test_without_a_network_the_error_says_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody answers
    with pytest.raises(InputError, match=r"cannot be downloaded .*; put it into .* by hand"):
        fetch_ncnn.fetch_ncnn(tmp_path)
    assert list(tmp_path.iterdir()) == []
