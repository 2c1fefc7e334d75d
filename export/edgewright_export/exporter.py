"""One checkpoint to many packs: captured once, each target converted in its own process, every artefact proven."""

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from edgewright_train.errors import EdgewrightError

from .accuracy import AccuracyCheck
from .assemble import INPUT_NAME, Proven, assemble
from .capture import capture
from .conversion import Artefact
from .convert_job import Cost, convert_isolated
from .manifest import Precision, Target
from .parity import TOLERANCES
from .source import Source

PARALLEL_JOBS = 2  # converters are single-threaded and take up to 0.8 GB each


@dataclass(frozen=True)
class Result:
    """What became of one pack: proven, or the error that stopped it.  `seconds` are those of everything together."""

    target: Target
    precision: Precision
    seconds: float
    proven: Proven | None
    conversion: Cost | None
    error: EdgewrightError | None


Stage = Callable[[Target, Precision, str], None]  # told when a pack enters a stage; called from several threads


def export_packs(
    source: Source,
    targets: Sequence[Target],
    precisions: Sequence[Precision],
    out: Path,
    *,
    accuracy: AccuracyCheck | None,
    logs: Path,
    stage: Stage,
) -> list[Result]:
    """Write `out`/<model>/<target>-<precision>/ for every pair.  One target's failure does not stop the others."""
    header = source.checkpoint.header
    deployed = header.architecture.deploy(source.checkpoint.network)
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgewright-export-") as scratch:
        graph = Path(scratch) / "graph.pt2"
        torch.export.save(capture(deployed, header.width, header.height), graph)

        def one_target(target: Target) -> list[Result]:
            job = _Job(source, graph, target, out / header.name, Path(scratch) / target, accuracy, logs, stage)
            return job.run(precisions)

        with ThreadPoolExecutor(PARALLEL_JOBS) as pool:
            return [result for results in pool.map(one_target, targets) for result in results]


@dataclass
class _Job:
    """One target, all its precisions."""

    source: Source
    graph: Path
    target: Target
    place: Path
    scratch: Path
    accuracy: AccuracyCheck | None
    logs: Path
    stage: Stage

    def run(self, precisions: Sequence[Precision]) -> list[Result]:
        folders = {precision: self.scratch / precision for precision in precisions}
        for folder in folders.values():
            folder.mkdir(parents=True)
        results: dict[Precision, Result] = {}
        started = time.monotonic()

        def prove(precision: Precision, artefact: Artefact, cost: Cost) -> None:
            nonlocal started
            results[precision] = self._prove(precision, artefact, cost, folders[precision], started)
            started = time.monotonic()
            self._announce_next(precisions, results)

        self._announce_next(precisions, results)
        try:
            convert_isolated(
                self.graph,
                self.target,
                folders,
                input_name=INPUT_NAME,
                output_names=self.source.checkpoint.header.architecture.output_names,
                preprocess=self.source.preprocess,
                scratch=self.scratch,
                log=self._log(),
                on_done=prove,
            )
        except EdgewrightError as error:
            for precision in precisions:
                results.setdefault(precision, self._failed(precision, started, error))
        return [results[precision] for precision in precisions]

    def _failed(self, precision: Precision, started: float, error: EdgewrightError) -> Result:
        return Result(self.target, precision, time.monotonic() - started, None, None, error)

    def _prove(self, precision: Precision, artefact: Artefact, cost: Cost, folder: Path, started: float) -> Result:
        self.stage(self.target, precision, "proving")
        proven, failure = None, None
        try:
            proven = assemble(
                self.source,
                artefact,
                folder,
                self.place / f"{self.target}-{precision}",
                target=self.target,
                precision=precision,
                tolerance=TOLERANCES[self.source.checkpoint.header.task][precision],
                complete=self.accuracy.complete if self.accuracy else None,
            )
        except EdgewrightError as error:
            failure = error
        self.stage(self.target, precision, "failed" if failure else "proven")
        return Result(self.target, precision, time.monotonic() - started, proven, cost, failure)

    def _announce_next(self, precisions: Sequence[Precision], results: dict[Precision, Result]) -> None:
        waiting = [precision for precision in precisions if precision not in results]
        if waiting:
            self.stage(self.target, waiting[0], "converting")

    def _log(self) -> Path:
        return self.logs / f"{self.target}.log"
