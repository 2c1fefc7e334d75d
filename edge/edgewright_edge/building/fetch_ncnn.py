"""The pinned ncnn source release: downloaded once, its digest checked, unpacked under `build/_ncnn`.

`pip download` builds metadata and fails on it: ncnn's setup.py takes its version from today's date.  unearth only
downloads, from PIP_INDEX_URL or PyPI, and executes nothing of the archive.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from edgewright_train.atomic import atomic_dir, atomic_file
from edgewright_train.errors import CheckError, InputError

VERSION = "1.0.20261020"
SHA256 = "ad8cdd63e9755cfa8e23b9b6d9ce46156077d80298a89e7c3ba325ffccfca200"
_ARCHIVE = f"ncnn-{VERSION}.tar.gz"


def fetch_ncnn(folder: Path) -> Path:
    """The unpacked source under `folder`; a second call does nothing.

    Without a network, put the archive into `folder` by hand.  Raises `InputError` when it cannot be had, `CheckError`
    when it is not the pinned one.
    """
    source = folder / f"ncnn-{VERSION}"
    if source.is_dir():
        return source
    archive = folder / _ARCHIVE
    if not archive.is_file():
        _download(archive)
    _check(archive)
    with atomic_dir(source) as unpacked:
        _unpack(archive, unpacked)
    return source


def _download(archive: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="edgewright-ncnn-") as folder:
        command = [sys.executable, "-m", "unearth", f"ncnn=={VERSION}", "--no-binary", "--download", folder]
        if index := os.environ.get("PIP_INDEX_URL"):
            command += ["--index-url", index]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        downloaded = Path(folder) / _ARCHIVE
        if done.returncode or not downloaded.is_file():
            lines = (done.stderr or done.stdout).strip().splitlines() or ["nothing was downloaded"]
            raise InputError(f"{_ARCHIVE} cannot be downloaded ({lines[-1]}); put it into {archive.parent} by hand")
        with atomic_file(archive) as target:
            target.write_bytes(downloaded.read_bytes())


def _check(archive: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        raise CheckError(f"{archive}: SHA-256 is {found}, the pinned release has {SHA256}; delete the file")


def _unpack(archive: Path, folder: Path) -> None:
    """The archive's one top folder becomes `folder`."""
    with tarfile.open(archive) as tar:
        for member in tar:
            member.name = member.name.partition("/")[2]
            if member.name:
                tar.extract(member, folder, filter="data")
