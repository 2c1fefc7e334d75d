"""Runs every pack of a model that this machine can run, and shows what came out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

from edgewright_export.pack import MANIFEST, Pack, open_pack
from edgewright_train.errors import InputError

from .edgebench import bench_with_edgebench
from .measurement import BenchResult
from .sessions import bench_in_python


class Bench(Protocol):
    """Measures one pack."""

    def __call__(self, pack: Pack, thread_counts: Sequence[int], *, warmup: int, runs: int) -> BenchResult: ...


BENCHES: dict[str, Bench] = {"ncnn": bench_with_edgebench, "tflite": bench_in_python, "onnx": bench_in_python}


@dataclass(frozen=True)
class Row:
    """One pack: its result, or the reason why there is none."""

    pack: Pack
    result: BenchResult | None
    reason: str = ""


def find_packs(model: str, build: Path) -> list[Path]:
    """The folders of the model's packs, by name.  Raises `InputError` when there are none."""
    packs = sorted(manifest.parent for manifest in (build / model).glob(f"*/{MANIFEST}"))
    if not packs:
        raise InputError(f"MODEL={model}: no packs in {build / model}; make export WEIGHTS= TARGET=all writes them")
    return packs


def bench_packs(folders: Sequence[Path], thread_counts: Sequence[int], *, warmup: int, runs: int) -> Iterator[Row]:
    """Measure one after the other.  A pack this machine cannot run comes with the reason."""
    for folder in folders:
        pack = open_pack(folder)
        bench = BENCHES.get(pack.manifest.target)
        if bench is None:
            yield Row(pack, None, f"{pack.manifest.target} does not run on this host")
            continue
        try:
            yield Row(pack, bench(pack, thread_counts, warmup=warmup, runs=runs))
        except InputError as error:  # its runtime or its compiler is not installed
            yield Row(pack, None, str(error))


def as_text(rows: Sequence[Row], thread_counts: Sequence[int]) -> str:
    """One line per pack: the median of the network alone per thread count, and of image to result at the first."""
    table = Table(title=f"{rows[0].pack.manifest.model}: median latency in milliseconds")
    times = [*(_cores(count) for count in thread_counts), f"image to result, {_cores(thread_counts[0])}"]
    table.add_column("pack")
    for title in ("size", "accuracy", *times):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(row.pack.name, f"{row.pack.size_bytes / 1000:.0f} kB", _accuracy(row.pack), *_times(row))
    table.caption = "; ".join(sorted({row.reason for row in rows if row.reason})) or None
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()


def _cores(count: int) -> str:
    return f"{count} core" if count == 1 else f"{count} cores"


def _accuracy(pack: Pack) -> str:
    accuracy = pack.manifest.accuracy
    return f"{accuracy.metric} {accuracy.value:.4f}" if accuracy else "-"


def _times(row: Row) -> list[str]:
    if row.result is None:
        return []
    inference = [f"{threads.inference_ms.p50:.2f}" for threads in row.result.results]
    return [*inference, f"{row.result.results[0].image_to_result_ms.p50:.2f}"]
