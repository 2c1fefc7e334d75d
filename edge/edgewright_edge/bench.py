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
from .latency.bench_python import bench_in_python
from .measurement import BenchResult, Latency, ThreadResult
from .request import Request


class Bench(Protocol):
    """Measures one pack."""

    def __call__(self, pack: Pack, request: Request) -> BenchResult: ...


BENCHES: dict[str, Bench] = {"ncnn": bench_with_edgebench, "tflite": bench_in_python, "onnx": bench_in_python}


@dataclass(frozen=True)
class Row:
    """One pack on one device: its result, or the reason why there is none."""

    pack: Pack
    result: BenchResult | None
    reason: str = ""
    device: str = "host"

    @property
    def valid(self) -> bool:
        """Whether every thread count can be believed; a pack without a result says nothing wrong."""
        return self.result is None or all(threads.valid for threads in self.result.results)


def find_packs(model: str, build: Path) -> list[Path]:
    """The folders of the model's packs, by name.  Raises `InputError` when there are none."""
    packs = sorted(manifest.parent for manifest in (build / model).glob(f"*/{MANIFEST}"))
    if not packs:
        raise InputError(f"MODEL={model}: no packs in {build / model}; make export WEIGHTS= TARGET=all writes them")
    return packs


def bench_packs(folders: Sequence[Path], request: Request, *, device: str = "host") -> Iterator[Row]:
    """Measure one after the other.  A pack this machine cannot run comes with the reason."""
    for folder in folders:
        pack = open_pack(folder)
        bench = BENCHES.get(pack.manifest.target)
        if bench is None:
            yield Row(pack, None, f"{pack.manifest.target} does not run on this host", device)
            continue
        try:
            yield Row(pack, bench(pack, request), "", device)
        except InputError as error:  # its runtime or its compiler is not installed
            yield Row(pack, None, str(error), device)


def as_text(rows: Sequence[Row]) -> str:
    """One line per pack and device: the network alone per thread count, image to result at one, what was refused."""
    table = Table(title=f"{rows[0].pack.manifest.model}: median latency in milliseconds; ~ refused")
    counts = sorted({threads.threads for row in rows if row.result for threads in row.result.results})
    elsewhere = any(row.device != "host" for row in rows)
    for title in (*(["device"] if elsewhere else []), "pack"):
        table.add_column(title)
    for title in ("size", "accuracy", *map(_cores, counts), f"image to result, {_cores(counts[0])}"):
        table.add_column(title, justify="right")
    for row in rows:
        what = (row.pack.name, f"{row.pack.size_bytes / 1000:.0f} kB", _accuracy(row.pack))
        table.add_row(*([row.device] if elsewhere else []), *what, *_times(row, counts))
    table.caption = "; ".join(sorted({row.reason for row in rows if row.reason})) or None
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return "\n".join([capture.get().rstrip(), *_refusals(rows)])


def _refusals(rows: Sequence[Row]) -> Iterator[str]:
    results = [(row, threads) for row in rows if row.result for threads in row.result.results if not threads.valid]
    for row, threads in results:
        where = "" if row.device == "host" else f"{row.device}, "
        yield f"refused: {where}{row.pack.name}, {_cores(threads.threads)}: {'; '.join(threads.problems)}"
    if results:
        yield 'A refused time is no measurement, whatever it says: docs/benchmarking.md, "When a result is refused".'


def _cores(count: int) -> str:
    return f"{count} core" if count == 1 else f"{count} cores"


def _accuracy(pack: Pack) -> str:
    accuracy = pack.manifest.accuracy
    return f"{accuracy.metric} {accuracy.value:.4f}" if accuracy else "-"


def _times(row: Row, counts: Sequence[int]) -> list[str]:
    if row.result is None:
        return []
    by_count = {threads.threads: threads for threads in row.result.results}
    found = [by_count.get(count) for count in counts]
    inference = [_time(threads, threads.stages_ms.inference) if threads else "-" for threads in found]
    return [*inference, _time(found[0], found[0].stages_ms.image_to_result) if found[0] else "-"]


def _time(threads: ThreadResult, latency: Latency) -> str:
    return f"{'' if threads.valid else '~'}{latency.p50:.2f}"
