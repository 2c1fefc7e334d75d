"""One checkpoint to many packs: captured once, each target converted in its own process, every artefact proven."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_train.errors import EdgewrightError

from .accuracy import AccuracyCheck
from .assemble import INPUT_NAME, Proven, assemble
from .capture import save_graph
from .conversion import Artefact, FullPrecision
from .convert_job import Cost, convert_isolated
from .manifest import Precision, Target
from .parity import TOLERANCES
from .source import Source

if TYPE_CHECKING:
    from torch.export import ExportedProgram

PARALLEL_JOBS = 2  # converters are single-threaded and take up to 0.8 GB each


@dataclass(frozen=True)
class Result:
    """What became of one pack: proven, or the error that stopped it.

    Attributes:
        seconds: of everything together.
        full_precision: nodes of an fp16 pack that stay in float32 -> why.
    """

    target: Target
    precision: Precision
    seconds: float
    proven: Proven | None
    conversion: Cost | None
    error: EdgewrightError | None
    full_precision: Mapping[str, str] = field(default_factory=dict)


Stage = Callable[[Target, Precision, str], None]  # told when a pack enters a stage; called from several threads


def export_packs(
    source: Source,
    exported: "ExportedProgram",
    targets: Sequence[Target],
    precisions: Sequence[Precision],
    out: Path,
    *,
    accuracy: AccuracyCheck | None,
    logs: Path,
    stage: Stage,
    full_precision: Mapping[Target, FullPrecision] | None = None,
) -> list[Result]:
    """Write `out`/<model>/<target>-<precision>/ for every pair.  One target's failure does not stop the others.

    `exported`: the captured graph of the source.
    """
    header = source.checkpoint.header
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgewright-export-") as scratch:
        graph = Path(scratch) / "graph.pt2"
        save_graph(exported, graph)

        def one_target(target: Target) -> list[Result]:
            kept = (full_precision or {}).get(target)
            job = _Job(source, graph, target, out / header.name, Path(scratch) / target, accuracy, logs, stage, kept)
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
    full_precision: FullPrecision | None

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
                converter_module=self.full_precision.converter_module if self.full_precision else None,
                full_precision=self.full_precision.nodes if self.full_precision else (),
            )
        except EdgewrightError as error:
            for precision in precisions:
                results.setdefault(precision, self._failed(precision, started, error))
        return [results[precision] for precision in precisions]

    def _failed(self, precision: Precision, started: float, error: EdgewrightError) -> Result:
        return Result(self.target, precision, time.monotonic() - started, None, None, error, self._kept(precision))

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
        seconds = time.monotonic() - started
        return Result(self.target, precision, seconds, proven, cost, failure, self._kept(precision))

    def _kept(self, precision: Precision) -> Mapping[str, str]:
        return self.full_precision.nodes if self.full_precision and precision == "fp16" else {}

    def _announce_next(self, precisions: Sequence[Precision], results: dict[Precision, Result]) -> None:
        waiting = [precision for precision in precisions if precision not in results]
        if waiting:
            self.stage(self.target, waiting[0], "converting")

    def _log(self) -> Path:
        return self.logs / f"{self.target}.log"
