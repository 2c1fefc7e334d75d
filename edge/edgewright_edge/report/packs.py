"""The packs of a build folder, each opened, proven again by running it, and put beside its measurements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgewright_export.pack import MANIFEST, Pack, digest_file, open_pack
from edgewright_export.verify import Verdict, verify_golden
from edgewright_train.errors import CheckError, EdgewrightError, InputError

from ..measurement import Stage
from .latency import Measured, Measurements

Status = Literal["proven", "failed", "unchecked"]


@dataclass(frozen=True)
class CheckedPack:
    """`verdict` is there when it is proven, `problem` when not."""

    pack: Pack
    manifest_sha256: str
    status: Status
    verdict: Verdict | None = None
    problem: str = ""
    measured: Mapping[tuple[int, Stage], Measured] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.pack.name

    def has_valid(self, column: tuple[int, Stage]) -> bool:
        """Whether it was measured at these threads and this stage, and not refused."""
        return column in self.measured and self.measured[column].valid


@dataclass(frozen=True)
class PackGroup:
    """Packs of one model, checkpoint and input size: those that should be equal."""

    packs: tuple[CheckedPack, ...]

    @property
    def first(self) -> Pack:
        """In float where there is one: what such a pack says of the source, the source computed."""
        packs = [checked.pack for checked in self.packs]
        return next((pack for pack in packs if pack.manifest.quantisation is None), packs[0])

    @property
    def has_quantised(self) -> bool:
        return any(checked.pack.manifest.quantisation for checked in self.packs)

    @property
    def name(self) -> str:
        """Of the folder, which is what commands take as MODEL=."""
        return self.first.path.resolve().parent.name

    @property
    def thread_counts(self) -> tuple[int, ...]:
        """Those any of the packs was measured with."""
        return tuple(sorted({threads for pack in self.packs for threads, _ in pack.measured}))

    @property
    def proven(self) -> tuple[CheckedPack, ...]:
        return tuple(pack for pack in self.packs if pack.status == "proven")

    @property
    def smallest(self) -> CheckedPack | None:
        """Of the proven ones, if any."""
        return min(self.proven, key=lambda checked: checked.pack.size_bytes, default=None)

    def fastest(self, column: tuple[int, Stage]) -> CheckedPack | None:
        """Of the proven ones with a time at these threads and this stage that was not refused, if any."""
        timed = [pack for pack in self.proven if pack.has_valid(column)]
        return min(timed, key=lambda pack: pack.measured[column].p50_ms, default=None)


def check_packs(
    build: Path, measurements: Measurements, progress: Callable[[int, int], None]
) -> tuple[list[PackGroup], list[str]]:
    """Every `build`/<model>/<pack>, proven and grouped; and what is wrong with those that could not be opened."""
    folders = sorted(manifest.parent for manifest in build.glob(f"*/*/{MANIFEST}"))
    checked: list[CheckedPack] = []
    damaged: list[str] = []
    for number, folder in enumerate(folders, start=1):
        try:
            checked.append(_check(open_pack(folder), measurements))
        except EdgewrightError as error:
            damaged.append(str(error))
        progress(number, len(folders))
    return _grouped(checked), damaged


def _check(pack: Pack, measurements: Measurements) -> CheckedPack:
    """Wrong results fail it; a runtime that is not installed here leaves it unchecked."""
    digest = digest_file(pack.path / MANIFEST)
    measured = measurements.of(digest)
    try:
        return CheckedPack(pack, digest, "proven", verdict=verify_golden(pack), measured=measured)
    except CheckError as error:
        return CheckedPack(pack, digest, "failed", problem=str(error), measured=measured)
    except InputError as error:
        return CheckedPack(pack, digest, "unchecked", problem=str(error), measured=measured)


def _grouped(packs: Sequence[CheckedPack]) -> list[PackGroup]:
    groups: dict[tuple[str, str, int, int], list[CheckedPack]] = {}
    for checked in packs:
        manifest = checked.pack.manifest
        size = manifest.input.preprocess
        key = (manifest.model, manifest.provenance.checkpoint_sha256, size.width, size.height)
        groups.setdefault(key, []).append(checked)
    return [PackGroup(tuple(group)) for group in groups.values()]
