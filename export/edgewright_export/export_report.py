"""What an export shows: a line per pack while it works, a table at the end, and the same as JSON."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from edgewright_train.data.dataset import Dataset
from edgewright_train.progress import counted

from .accuracy import AccuracyCheck, accuracy_check
from .exporter import Result
from .manifest import Accuracy, Precision, Target
from .source import Source


class Display:
    """Packs and their stages on stderr; live in a terminal, plain lines in a pipe.  A context manager."""

    def __init__(self, packs: Sequence[tuple[Target, Precision]]) -> None:
        self._console = Console(stderr=True)
        self._live = sys.stderr.isatty()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:14}"),
            TextColumn("{task.fields[stage]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self._console, disable=not self._live)
        self._tasks = {
            pack: self._progress.add_task("-".join(pack), start=False, total=1, stage="waiting") for pack in packs
        }

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def measure_source(self, source: Source, dataset: Dataset | None) -> AccuracyCheck | None:
        """The source's own score, with a bar of images."""
        if dataset is None:
            self._progress.start()
            return None
        with counted(f"source on {dataset.name}") as progress:
            check = accuracy_check(source.checkpoint, dataset, progress=progress)
        self._console.print(f"source: {check.source.metric} {check.source.value:.4f} on {dataset.name}")
        self._progress.start()
        return check

    def stage(self, target: Target, precision: Precision, stage: str) -> None:
        task = self._tasks[(target, precision)]
        if self._live:
            self._progress.start_task(task)
            self._progress.update(task, stage=stage, completed=int(stage in ("proven", "failed")))
        else:
            self._console.print(f"{target}-{precision}: {stage}", highlight=False)


def results_as_text(results: Sequence[Result]) -> str:
    """A table, one line per pack that failed, and the next step."""
    table = Table(title="Packs")
    for column in ("pack", "size", "max error", "cosine", "agree", "metric", "seconds"):
        table.add_column(column, justify="left" if column == "pack" else "right", no_wrap=True)
    for result in results:
        table.add_row(*_row(result))
    console = Console()
    with console.capture() as capture:
        console.print(table)
        for result in results:
            if result.error:
                console.print(f"{result.target}-{result.precision}: {result.error}", highlight=False, soft_wrap=True)
            if result.full_precision:
                console.print(_kept(result), highlight=False, soft_wrap=True)
        proven = [result.proven for result in results if result.proven]
        if proven:
            console.print(f"next: make verify PACK={proven[0].pack.path}", highlight=False, soft_wrap=True)
    return capture.get().rstrip()


def _kept(result: Result) -> str:
    reasons = ", ".join(f"{node} ({reason})" for node, reason in result.full_precision.items())
    return f"{result.target}-{result.precision}: in float32, for half precision is too small: {reasons}"


def _row(result: Result) -> list[str]:
    name, seconds = f"{result.target}-{result.precision}", f"{result.seconds:.1f}"
    if result.proven is None:
        return [name, "", "", "", "[red]not proven", "", seconds]
    verdict, manifest = result.proven.verdict, result.proven.pack.manifest
    return [
        name,
        f"{result.proven.pack.size_bytes / 1000:,.0f} kB",
        f"{verdict.max_error:.1e}",
        f"{verdict.min_cosine:.6f}",
        _share(verdict.num_agreeing, verdict.num_parts),
        f"{manifest.accuracy.metric} {manifest.accuracy.value:.4f}" if manifest.accuracy else "-",
        seconds,
    ]


def _share(part: int, whole: int) -> str:
    """Detections and images by count, pixels in percent."""
    return f"{part} of {whole}" if whole < 10_000 else f"{part / whole:.3%}"


def results_as_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One record per pack; `error` is null where it was proven."""
    return [
        {
            "pack": str(result.proven.pack.path) if result.proven else None,
            "target": result.target,
            "precision": result.precision,
            "seconds": round(result.seconds, 2),
            "conversion": asdict(result.conversion) if result.conversion else None,
            "size_bytes": result.proven.pack.size_bytes if result.proven else None,
            "max_error": result.proven.verdict.max_error if result.proven else None,
            "min_cosine": result.proven.verdict.min_cosine if result.proven else None,
            "num_agreeing": result.proven.verdict.num_agreeing if result.proven else 0,
            "num_parts": result.proven.verdict.num_parts if result.proven else 0,
            "metric": accuracy.metric if (accuracy := _accuracy(result)) else None,
            "value": accuracy.value if (accuracy := _accuracy(result)) else None,
            "full_precision": dict(result.full_precision),
            "error": str(result.error) if result.error else None,
        }
        for result in results
    ]


def _accuracy(result: Result) -> Accuracy | None:
    return result.proven.pack.manifest.accuracy if result.proven else None
