"""The report: everything known of the models, their packs and trainings, as one HTML file that needs nothing else."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from edgewright_train.data.dataset import Dataset
from edgewright_train.errors import InputError
from edgewright_train.models.architecture import Task
from edgewright_train.progress import counted

from . import heat_map, overlay
from .environment import page_environment
from .gallery import checkpoints_by_digest, gallery
from .latency import read_measurements
from .matrix import Matrix, read_matrix
from .model import Section, section
from .packs import PackGroup, check_packs
from .runs import Run, read_runs


@dataclass(frozen=True)
class Sources:
    """Where a report gets its matter from.

    Attributes:
        weights: a checkpoint that is not in `runs`.
        images: the pictures to look at with a network for a task.
    """

    build: Path
    runs: Path
    results: Path
    weights: Path | None
    images: Callable[[Task], Dataset]


@dataclass(frozen=True)
class Report:
    """What the template shows.

    Attributes:
        headline: whether every pack is proven, in one sentence.
        damaged: what is wrong with each pack that could not be opened.
        results_problem: why measurements could not be read; empty when they could, or there are none.
        matrix: None when none was made.
    """

    headline: str
    tone: Literal["good", "bad", "plain"]
    written_utc: str
    versions: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]
    sections: tuple[Section, ...]
    damaged: tuple[str, ...]
    results_problem: str
    matrix: Matrix | None
    runs: tuple[Run, ...]

    @property
    def num_failed(self) -> int:
        """Packs that are damaged or do not equal their source."""
        packs = (pack for section in self.sections for pack in section.group.packs)
        return len(self.damaged) + sum(pack.status == "failed" for pack in packs)


def gather(sources: Sources) -> Report:
    """Runs every pack.  Raises `InputError` when `weights` belong to none of them."""
    measurements = read_measurements(sources.results)
    with counted("proving packs") as progress:
        groups, damaged = check_packs(sources.build, measurements, progress)
    sections = tuple(_sections(groups, sources))
    headline, tone = _headline(groups, damaged)
    return Report(
        headline=headline,
        tone=tone,
        written_utc=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        versions=tuple(_versions(groups)),
        devices=tuple(sorted({m.device for g in groups for pack in g.packs for m in pack.measured.values()})),
        sections=sections,
        damaged=tuple(damaged),
        results_problem=measurements.problem,
        matrix=read_matrix(sources.build / "matrix"),
        runs=tuple(read_runs(sources.runs)),
    )


def render(report: Report) -> str:
    """One HTML document without a single reference to anything outside of it."""
    environment = page_environment()
    environment.globals.update(heat=heat_map, overlay=overlay)
    return environment.get_template("report.html.j2").render(report=report)


def _sections(groups: Sequence[PackGroup], sources: Sources) -> Iterable[Section]:
    checkpoints = checkpoints_by_digest(sources.runs, sources.weights)
    wanted = {group.first.manifest.provenance.checkpoint_sha256 for group in groups}
    if sources.weights is not None and sources.weights not in (checkpoints.get(digest) for digest in wanted):
        raise InputError(f"WEIGHTS={sources.weights}: no pack in {sources.build} comes from this checkpoint")
    for group in groups:
        checkpoint = checkpoints.get(group.first.manifest.provenance.checkpoint_sha256)
        dataset = sources.images(group.first.manifest.task)
        with counted(f"looking through {group.name}") as progress:
            pictures = gallery(group, checkpoint, dataset, progress)
        yield section(group, pictures, checkpoint_found=checkpoint is not None, dataset=dataset.name)


def _headline(groups: Sequence[PackGroup], damaged: Sequence[str]) -> tuple[str, Literal["good", "bad", "plain"]]:
    packs = [pack for group in groups for pack in group.packs]
    total, proven = len(packs) + len(damaged), sum(pack.status == "proven" for pack in packs)
    failed = len(damaged) + sum(pack.status == "failed" for pack in packs)
    if total == 0:
        return "No packs yet.", "plain"
    if failed:
        return f"{failed} of {total} packs {'is' if failed == 1 else 'are'} not what the source computes.", "bad"
    if proven < total:
        return f"{proven} of {total} packs proven equal to their source; the others cannot run here.", "plain"
    origin = f"what {'they were' if total > 1 else 'it was'} made from"
    equals = origin if any(group.has_quantised for group in groups) else "the source"
    return (f"All {total} packs are" if total > 1 else "The pack is") + f" proven equal to {equals}.", "good"


def _versions(groups: Sequence[PackGroup]) -> Iterable[tuple[str, str]]:
    """This program's surroundings, then the tools that made the packs and the runtimes that were measured."""
    yield "edgewright", version("edgewright")
    yield "Python", platform.python_version()
    tools: dict[str, set[str]] = {}
    for pack in (pack for group in groups for pack in group.packs):
        runtimes = {found.runtime.rpartition(" ")[::2] for found in pack.measured.values()}
        for name, tool in [*pack.pack.manifest.provenance.tools.items(), *runtimes]:
            tools.setdefault(name, set()).add(tool)
    tools.pop("edgewright", None)
    for name in sorted(tools):
        yield name, ", ".join(sorted(tools[name]))
