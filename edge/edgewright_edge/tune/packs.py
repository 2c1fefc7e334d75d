"""Which packs can be compared with each other."""

from collections.abc import Sequence
from pathlib import Path

from edgewright_export.pack import MANIFEST, Pack, open_pack
from edgewright_train.errors import InputError

from ..bench import find_packs


def open_comparable(places: str | None, model: str, build: Path) -> list[Pack]:
    """Packs of one checkpoint at one size, every byte of them checked.

    `places`: folders of packs and packs, with commas between; None for all of the model's in `build`.  Raises
    `InputError` when there is nothing to compare, `CheckError` when a pack is damaged.
    """
    folders = _folders(places) if places else find_packs(model, build)
    packs = [open_pack(folder) for folder in folders]
    first = packs[0]
    if len(packs) == 1:
        raise InputError(
            f"{first.path}: one pack, nothing to compare it with; "
            "make export TARGET=all PRECISION=fp32,fp16,int8 writes more"
        )
    for other in packs[1:]:
        check_alike(first, other)
    return packs


def names_of(packs: Sequence[Pack]) -> dict[Path, str]:
    """What each is called in a table: `ncnn-fp16`, or its path where several are."""
    short = [pack.name for pack in packs]
    return {pack.path: pack.name if short.count(pack.name) == 1 else str(pack.path) for pack in packs}


def _folders(places: str) -> list[Path]:
    parts = (
        [Path(places)] if Path(places).exists() else [Path(part.strip()) for part in places.split(",") if part.strip()]
    )
    found: dict[Path, Path] = {}  # by what it really is, so that none competes with itself
    for part in parts:
        below = [part] if (part / MANIFEST).exists() else sorted(file.parent for file in part.glob(f"*/{MANIFEST}"))
        if not below:
            raise InputError(f"PACKS={part}: neither a pack nor a folder of packs")
        for folder in below:
            found.setdefault(folder.resolve(), folder)
    if not found:
        raise InputError(f"PACKS={places}: give packs or folders of packs, with commas between them")
    return list(found.values())


def check_alike(first: Pack, other: Pack) -> None:
    """Raises `InputError` unless they are of one checkpoint at one size."""
    ours, theirs = first.manifest.provenance.checkpoint_sha256, other.manifest.provenance.checkpoint_sha256
    if ours != theirs:
        raise InputError(
            f"{other.path}: its checkpoint {theirs[:12]} is not that of {first.path}, {ours[:12]}: not comparable"
        )
    if _size(first) != _size(other):
        raise InputError(
            f"{other.path}: takes {_size(other)} pixels, {first.path} takes {_size(first)}: not comparable"
        )


def _size(pack: Pack) -> str:
    preprocess = pack.manifest.input.preprocess
    return f"{preprocess.width}x{preprocess.height}"
