"""From a converted artefact to a proven pack at its place."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edgewright_train.atomic import atomic_dir
from edgewright_train.errors import InputError

from .conversion import Artefact
from .golden import write_case
from .manifest import (
    Golden,
    Manifest,
    ModelInput,
    ModelOutput,
    Precision,
    Provenance,
    Quantisation,
    Steps,
    Target,
    Tolerance,
)
from .pack import Pack, list_files, open_pack, write_manifest
from .source import Source
from .targets import tool_versions
from .verify import Verdict, verify_golden

INPUT_NAME = "image"

Completion = Callable[[Pack], Manifest]


@dataclass(frozen=True)
class Proven:
    """A pack in place, and how close to its source it was found to be."""

    pack: Pack
    verdict: Verdict


def assemble(
    source: Source,
    artefact: Artefact,
    files: Path,
    place: Path,
    *,
    target: Target,
    precision: Precision,
    tolerance: Tolerance,
    quantisation: Quantisation | None = None,
    complete: Completion | None = None,
) -> Proven:
    """Move the artefact's `files` into a pack, prove it, and only then rename it to `place`.

    `complete` gets the proven pack and returns its final manifest.  Raises `CheckError` when the artefact is not the
    source; nothing appears at `place` then.
    """
    with atomic_dir(place) as folder:
        _copy_files(files, folder)
        (folder / "golden").mkdir()
        for name, case in source.golden.items():
            write_case(folder / name, case)
        manifest = _manifest(source, artefact, folder, target, precision, tolerance, quantisation)
        write_manifest(folder, manifest)
        pack = open_pack(folder)
        verdict = verify_golden(pack, further=source.checks.items())
        if complete is not None:
            manifest = complete(pack)
            write_manifest(folder, manifest)
    return Proven(Pack(place, manifest), verdict)


def _copy_files(source: Path, destination: Path) -> None:
    """As `shutil.copytree`, which however hides a full disk behind an error of its own."""
    for path in sorted(source.rglob("*")):
        place = destination / path.relative_to(source)
        if path.is_dir():
            place.mkdir()
        else:
            shutil.copyfile(path, place)


def _manifest(
    source: Source,
    artefact: Artefact,
    folder: Path,
    target: Target,
    precision: Precision,
    tolerance: Tolerance,
    quantisation: Quantisation | None,
) -> Manifest:
    header = source.checkpoint.header
    shapes = {name: value.shape for name, value in next(iter(source.golden.values())).maps.items()}
    return Manifest(
        format_version=1,
        model=header.model,
        task=header.task,
        target=target,
        precision=precision,
        num_parameters=sum(p.numel() for p in source.checkpoint.network.parameters()),
        entry=artefact.entry,
        files=list_files(folder),
        input=ModelInput(
            name=INPUT_NAME,
            kind=artefact.input_kind,
            layout=artefact.input_layout,
            preprocess=source.preprocess,
            steps=_steps(artefact.input_steps),
        ),
        outputs=tuple(
            ModelOutput(
                name=name,
                layout=artefact.output_layout,
                shape=shape,
                steps=_steps(artefact.output_steps.get(name)),
            )
            for name, shape in shapes.items()
        ),
        decode=source.decode,
        labels=header.labels,
        golden=Golden(cases=tuple(source.golden), tolerance=tolerance),
        accuracy=None,
        quantisation=quantisation,
        provenance=Provenance(
            checkpoint_sha256=source.digest,
            origin=header.origin,
            tools=tool_versions(target),
            rewrites=artefact.rewrites,
            created_utc=_now_utc(),
        ),
    )


def _steps(found: Sequence[float] | None) -> Steps | None:
    return Steps(scale=found[0], zero_point=int(found[1])) if found else None


def _now_utc() -> str:
    """ISO 8601; SOURCE_DATE_EPOCH (seconds) decides it when set, for reproducible packs."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not epoch.isdecimal():
        raise InputError(f"SOURCE_DATE_EPOCH={epoch}: give whole seconds since 1970")
    moment = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
