"""libjpeg-turbo for another architecture, from the distribution's own archive, unpacked under `build/_jpeg`.

apt works in a folder of its own there: no package is installed, no architecture is added to the system, and nothing
needs root.  apt checks the signatures as always.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from edgewright_train.atomic import atomic_dir
from edgewright_train.errors import InputError

_PACKAGES = ("libjpeg62-turbo-dev", "libjpeg-turbo8-dev")  # Debian, Ubuntu
_TIMEOUT_S = 300


def fetch_jpeg(folder: Path, architecture: str) -> Path:
    """The unpacked package below `folder`; a second call does nothing.  `architecture`: Debian's name.

    Raises `InputError` when it cannot be had.
    """
    unpacked = folder / architecture
    if unpacked.is_dir():
        return unpacked
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise InputError(f"libjpeg for {architecture}: {missing[0]} is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.resolve(), prefix="apt-") as scratch:
        package = _download(Path(scratch), architecture)
        with atomic_dir(unpacked) as target:
            subprocess.run(["dpkg-deb", "-x", str(package), str(target)], check=True, capture_output=True)
            for link in [path for path in target.rglob("*") if path.is_symlink()]:
                link.unlink()  # to the shared library, which is another package
    return unpacked


def _download(scratch: Path, architecture: str) -> Path:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Dir::State": f"{scratch}/state",
        "Dir::State::status": os.devnull,
        "Dir::Cache": f"{scratch}/cache",
    }
    apt = ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    _run([*apt, "update"], scratch)
    for name in _PACKAGES:
        said = _run([*apt, "download", f"{name}:{architecture}"], scratch)
        if found := sorted(scratch.glob("*.deb")):
            return found[0]
    raise InputError(f"libjpeg for {architecture}: apt can fetch none of {', '.join(_PACKAGES)} ({said})")


def _run(command: list[str], folder: Path) -> str:
    """The last line it said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"apt-get took longer than {_TIMEOUT_S} s"
    return ((done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"])[-1]
