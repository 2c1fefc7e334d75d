"""One cell: a network exported to one target in one precision; kept on disk, so that a matrix can be continued."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_edge.bench import bench_packs
from edgewright_export.manifest import PRECISIONS, TARGETS, Precision, Target
from edgewright_export.pack import digest_file
from edgewright_export.targets import tool_versions
from edgewright_train.atomic import atomic_file
from edgewright_train.errors import CheckError
from edgewright_train.schema import Record, parse_record_json

from .prepare import Prepared

_WARMUP, _RUNS = 5, 50


class Cell(Record):
    """What became of it; `error` is empty when it is proven, and says in one line why it is not.

    Attributes:
        checkpoint_sha256, tools: what it was made from and with; a cell made otherwise is made again.
        max_error, min_cosine: over all its images, as a pack's tolerance has them.
        num_agreeing, num_parts: detections, images or pixels.
        conversion_s, peak_mib: of the converter's process.
        latency_ms: median of one image through the network on one core of this host; None where nothing runs it here.
    """

    network: str
    task: str
    width: int
    height: int
    published: bool
    num_parameters: int
    macs: int
    target: Target
    precision: Precision
    checkpoint_sha256: str
    tools: dict[str, str]
    error: str
    max_error: float | None = None
    min_cosine: float | None = None
    num_agreeing: int = 0
    num_parts: int = 0
    size_bytes: int | None = None
    conversion_s: float | None = None
    peak_mib: float | None = None
    latency_ms: float | None = None


def missing_targets(prepared: Prepared, folder: Path) -> list[Target]:
    """Those with a cell that is not there, or was not made of this checkpoint with these tools."""
    digest = digest_file(prepared.checkpoint)

    def fresh(target: Target, precision: Precision) -> bool:
        place = cell_path(folder, prepared.name, target, precision)
        if not place.is_file():
            return False
        cell = read_cell(place)
        return cell.checkpoint_sha256 == digest and cell.tools == tool_versions(target)

    return [target for target in TARGETS if not all(fresh(target, precision) for precision in PRECISIONS)]


def make_cells(prepared: Prepared, targets: Sequence[Target], folder: Path) -> list[Cell]:
    """Export in a process of its own, measure every pack that came out, and keep the cells in `folder`."""
    results = _export(prepared, targets, folder)
    digest = digest_file(prepared.checkpoint)
    cells = []
    for result in results:
        target, precision = result["target"], result["precision"]
        conversion = result["conversion"] or {"seconds": None, "peak_mib": None}
        cell = Cell(
            network=prepared.name,
            task=prepared.task,
            width=prepared.width,
            height=prepared.height,
            published=prepared.published,
            num_parameters=prepared.num_parameters,
            macs=prepared.macs,
            target=target,
            precision=precision,
            checkpoint_sha256=digest,
            tools=tool_versions(target),
            error=result["error"] or "",
            max_error=result["max_error"],
            min_cosine=result["min_cosine"],
            num_agreeing=result["num_agreeing"],
            num_parts=result["num_parts"],
            size_bytes=result["size_bytes"],
            conversion_s=conversion["seconds"],
            peak_mib=conversion["peak_mib"],
            latency_ms=_latency_ms(Path(result["pack"])) if result["pack"] else None,
        )
        place = cell_path(folder, prepared.name, target, precision)
        with atomic_file(place) as temporary:
            temporary.write_text(cell.model_dump_json(indent=2) + "\n")
        cells.append(cell)
    return cells


def cell_path(folder: Path, network: str, target: Target, precision: Precision) -> Path:
    return folder / "cells" / network / f"{target}-{precision}.json"


def read_cell(path: Path) -> Cell:
    return parse_record_json(Cell, path.read_bytes(), source=str(path))


def read_cells(folder: Path) -> list[Cell]:
    """All that are kept, by network, target and precision."""
    return [read_cell(path) for path in sorted((folder / "cells").glob("*/*.json"))]


def _export(prepared: Prepared, targets: Sequence[Target], folder: Path) -> list[dict]:  # type: ignore[type-arg]
    """What `edgewright-export --json` says; a pack that could not be proven is part of it."""
    results = folder / f"{prepared.name}.json"
    results.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "edgewright_export", f"--weights={prepared.checkpoint}", f"--target={','.join(targets)}",
        f"--precision={','.join(PRECISIONS)}", f"--out={folder / 'packs' / prepared.name}", f"--json={results}",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if not results.is_file():
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise CheckError(f"{prepared.name}: the export ended early: {last}")
    found: list[dict] = json.loads(results.read_text())  # type: ignore[type-arg]
    results.unlink()
    return found


def _latency_ms(pack: Path) -> float | None:
    row = next(iter(bench_packs([pack], (1,), warmup=_WARMUP, runs=_RUNS)))
    return row.result.results[0].inference_ms.p50 if row.result else None
