"""The `.mlpackage` folder: Manifest.json names the model file below Data/, which names its weight files."""

from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from edgewright_train.errors import InputError
from edgewright_train.schema import Record, parse_record_json

from .blob import BlobFile
from .malformed import Malformed
from .schema import Model_pb2

_MAX_MANIFEST_BYTES = 1 << 20
_MAX_MODEL_BYTES = 64 << 20
_MODEL_PATH = "@model_path/"


class _Item(Record):
    author: str
    description: str
    name: str
    path: str


class _Manifest(Record):
    fileFormatVersion: str  # noqa: N815 (Apple's name)
    itemInfoEntries: dict[str, _Item]  # noqa: N815
    rootModelIdentifier: str  # noqa: N815


class Package:
    """An opened package: its model message, and its weight files, each read when first asked for."""

    def __init__(self, path: Path) -> None:
        self._model_file = _model_file(path)
        self.model = _read_model(self._model_file)
        self._weights: dict[str, BlobFile] = {}

    def weights(self, name: str) -> BlobFile:
        """The weight file that a program calls `@model_path/...`."""
        if name not in self._weights:
            if not name.startswith(_MODEL_PATH):
                raise Malformed(f"weight file {name!r}: must start with {_MODEL_PATH}")
            self._weights[name] = BlobFile.open(_inside(self._model_file.parent, name.removeprefix(_MODEL_PATH)))
        return self._weights[name]


def _model_file(path: Path) -> Path:
    manifest_file = path / "Manifest.json"
    if not manifest_file.is_file():
        raise InputError(f"{path}: not a Core ML package: it has no Manifest.json")
    if manifest_file.stat().st_size > _MAX_MANIFEST_BYTES:
        raise Malformed(f"Manifest.json: more than {_MAX_MANIFEST_BYTES} bytes")
    manifest = parse_record_json(_Manifest, manifest_file.read_bytes(), source=str(manifest_file))
    root = manifest.itemInfoEntries.get(manifest.rootModelIdentifier)
    if root is None:
        raise Malformed(f"Manifest.json: rootModelIdentifier: {manifest.rootModelIdentifier!r} is not an item")
    return _inside(path / "Data", root.path)


def _inside(folder: Path, name: str) -> Path:
    """The existing file `name` in `folder`, neither `..` nor a link leading out of it."""
    if "\0" in name or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise Malformed(f"path {name!r} leaves the package")
    if not (folder / name).is_file():
        raise Malformed(f"{folder.name}/{name} is missing")
    return folder / name


def _read_model(file: Path) -> Any:
    size = file.stat().st_size
    if size > _MAX_MODEL_BYTES:
        raise Malformed(f"{file.name}: {size} bytes; a model file may have at most {_MAX_MODEL_BYTES}")
    model = Model_pb2.Model()
    try:
        model.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise Malformed(f"{file.name}: not a Core ML model: {error}") from None
    if (kind := model.WhichOneof("Type")) != "mlProgram":
        raise Malformed(f"{file.name}: type {kind}: only mlProgram is supported")
    return model
