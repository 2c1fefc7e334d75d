"""Reading and writing packs: nothing of a pack is used before every byte of it is accounted for."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import from_json

from edgewright_train.errors import CheckError, InputError
from edgewright_train.schema import parse_record_json

from .manifest import FORMAT_VERSION, FileEntry, Manifest

MANIFEST = "manifest.json"
SIDECAR = "manifest.json.sha256"
MAX_MANIFEST_BYTES = 4 << 20


@dataclass(frozen=True)
class Pack:
    """A verified pack."""

    path: Path
    manifest: Manifest

    @property
    def size_bytes(self) -> int:
        """Of the files a device needs to run the model; golden vectors and manifest are not counted."""
        return sum(f.size_bytes for f in self.manifest.files if not f.path.startswith("golden/"))

    @property
    def name(self) -> str:
        """`ncnn-fp16` and the like."""
        return f"{self.manifest.target}-{self.manifest.precision}"


def open_pack(path: Path) -> Pack:
    """Check digests, fields and the exact set of files.

    Raises `InputError` when `path` is not a pack of this format, `CheckError` when its bytes are not the ones written.
    """
    manifest = read_manifest(path)
    _check_files(path, manifest)
    return Pack(path, manifest)


def read_manifest(path: Path) -> Manifest:
    """The manifest alone, its digest and its fields checked; the other files are not touched."""
    file = path / MANIFEST
    if not file.is_file() or file.is_symlink():
        raise InputError(f"{path}: not a pack: it has no {MANIFEST}")
    if file.stat().st_size > MAX_MANIFEST_BYTES:
        raise InputError(f"{file}: {file.stat().st_size} bytes; a manifest may have at most {MAX_MANIFEST_BYTES}")
    text = file.read_bytes()
    _check_sidecar(path, text)
    _check_version(file, text)
    return parse_record_json(Manifest, text, source=str(file))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and its digest into `folder`, which holds all other files already."""
    text = (manifest.model_dump_json(indent=2) + "\n").encode()
    (folder / MANIFEST).write_bytes(text)
    (folder / SIDECAR).write_text(_sidecar_line(text))


def list_files(folder: Path) -> tuple[FileEntry, ...]:
    """Every file under `folder` but the manifest and its digest, by path."""
    return tuple(
        FileEntry(path=name, size_bytes=(folder / name).stat().st_size, sha256=digest_file(folder / name))
        for name in sorted(_names(folder))
        if name not in (MANIFEST, SIDECAR)
    )


def digest_file(path: Path) -> str:
    """SHA-256 in hex, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check_sidecar(path: Path, text: bytes) -> None:
    sidecar = path / SIDECAR
    if not sidecar.is_file() or sidecar.is_symlink():
        raise CheckError(f"{path}: {SIDECAR} is missing")
    if sidecar.stat().st_size != len(_sidecar_line(b"")) or sidecar.read_bytes() != _sidecar_line(text).encode():
        raise CheckError(f"{path / MANIFEST}: its SHA-256 is not the one in {SIDECAR}")


def _sidecar_line(text: bytes) -> str:
    return f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n"


def _check_version(file: Path, text: bytes) -> None:
    """A newer format is told from a broken one, whatever else it contains."""
    try:
        values = from_json(text)
    except ValueError as error:
        raise InputError(f"{file}: not JSON: {error}") from None
    version = values.get("format_version") if isinstance(values, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise InputError(
            f"{file}: format_version: {version} is newer than this edgewright reads ({FORMAT_VERSION}); upgrade it"
        )


def _check_files(path: Path, manifest: Manifest) -> None:
    listed = {entry.path: entry for entry in manifest.files}
    found = set(_names(path)) - {MANIFEST, SIDECAR}
    if missing := sorted(listed.keys() - found):
        raise CheckError(f"{path}: {missing[0]} is missing")
    if extra := sorted(found - listed.keys()):
        raise CheckError(f"{path}: {extra[0]} is not in the manifest")
    for name, entry in listed.items():
        size = (path / name).stat().st_size
        if size != entry.size_bytes:
            raise CheckError(f"{path}: {name} has {size} bytes, the manifest says {entry.size_bytes}")
        if digest_file(path / name) != entry.sha256:
            raise CheckError(f"{path}: {name}: its SHA-256 is not the one in the manifest")


def _names(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            if (Path(root) / name).is_symlink():
                raise CheckError(f"{Path(root) / name}: a pack holds no links")
        for name in files:
            yield (Path(root) / name).relative_to(folder).as_posix()
