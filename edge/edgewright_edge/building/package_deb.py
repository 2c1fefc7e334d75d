"""A Debian package of a static edgebench: the program, its manual page, and the licences of what is linked in.

The same program gives the same package, byte for byte: its times are SOURCE_DATE_EPOCH, or that of the last commit.
"""

import gzip
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from edgewright_train.atomic import atomic_file
from edgewright_train.errors import CheckError, InputError

from .host import ROOT

_MATERIAL = ROOT / "edge" / "rpi"
_CONTROL = """\
Package: edgebench
Version: {version}
Architecture: {architecture}
Maintainer: edgewright <edgewright@localhost>
Installed-Size: {size_kib}
Section: science
Priority: optional
Description: checks and measures small vision networks on this machine
 Runs edgewright's NCNN packs: proves that a pack computes here what its source
 computed, and measures latency with the evidence that the figure can be
 believed.  One static program without dependencies.
"""


def package_deb(binary: Path, architecture: str, folder: Path) -> Path:
    """Written to `folder`; `architecture` is Debian's name.  Raises `InputError` when dpkg-deb is not installed."""
    if shutil.which("dpkg-deb") is None:
        raise InputError("dpkg-deb is not installed; run: sudo apt-get install -y dpkg")
    number = version("edgewright")
    package = folder / f"edgebench_{number}_{architecture}.deb"
    with tempfile.TemporaryDirectory(prefix="edgewright-deb-") as scratch:
        root = Path(scratch) / "edgebench"
        _fill(root, binary)
        size_kib = sum(-(-path.stat().st_size // 1024) for path in root.rglob("*") if path.is_file())
        control = _CONTROL.format(version=number, architecture=architecture, size_kib=size_kib)
        _write(root / "DEBIAN" / "control", control.encode())
        _dpkg_deb(root, package)
    return package


def _fill(root: Path, binary: Path) -> None:
    _write(root / "usr/bin/edgebench", binary.read_bytes(), mode=0o755)
    manual = gzip.compress((_MATERIAL / "edgebench.1").read_bytes(), mtime=0)
    _write(root / "usr/share/man/man1/edgebench.1.gz", manual)
    _write(root / "usr/share/doc/edgebench/copyright", (_MATERIAL / "copyright").read_bytes())


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _dpkg_deb(root: Path, package: Path) -> None:
    epoch = _epoch()
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)  # whatever the umask
        os.utime(path, (epoch, epoch))
    with atomic_file(package) as target:
        command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(root), str(target)]
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise CheckError(f"dpkg-deb: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _epoch() -> int:
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        if not given.isdecimal():
            raise InputError(f"SOURCE_DATE_EPOCH: {given}: give seconds since 1970")
        return int(given)
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else 0
