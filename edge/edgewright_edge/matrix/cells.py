"""One cell: a network exported to one target in one precision; kept on disk, so that a matrix can be continued."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewright_edge.bench import bench_packs
from edgewright_edge.request import Request, method
from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS, Precision, Target
from edgewright_export.pack import digest_file
from edgewright_export.targets import tool_versions
from edgewright_train.atomic import atomic_file
from edgewright_train.errors import CheckError, InputError
from edgewright_train.schema import Record, parse_record_json

from .prepare import Prepared

_QUICK = Request((1,), method(seconds=1))  # an indication: a valid time takes half a minute per pack


class Cell(Record):
    """What became of it; `error` is empty when it is proven, and says in one line why it is not.

    Attributes:
        position: of the network in the list.
        checkpoint_sha256, tools: what it was made from and with; a cell made otherwise is made again.
        max_error, min_cosine: over all its images, as a pack's tolerance has them.
        num_agreeing, num_parts: detections, images or pixels.
        conversion_s, peak_mib: of the converter's process.
        latency_ms: median of one image through the network on one core of this host; None where nothing runs it here.
    """

    network: str
    position: int = 0
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

    @property
    def pack(self) -> str:
        """As its folder is called."""
        return f"{self.target}-{self.precision}"

    @property
    def outcome(self) -> str:
        """What its precision promises: the largest error in fp32, the cosine similarity in fp16."""
        if self.error or self.max_error is None or self.min_cosine is None:
            return "failed"
        return f"{self.max_error:.0e}" if self.precision == "fp32" else f"{self.min_cosine:.5f}"


def missing_targets(prepared: Prepared, folder: Path, targets: Sequence[Target] = TARGETS) -> list[Target]:
    """Those of `targets` with a cell that is not proven, or was not made of this checkpoint with these tools."""
    digest = digest_file(prepared.checkpoint)

    def fresh(target: Target, precision: Precision) -> bool:
        place = cell_path(folder, prepared.name, target, precision)
        if not place.is_file():
            return False
        try:
            cell = read_cell(place)
        except InputError:  # of an older format: made again like any other that is out of date
            return False
        return not cell.error and cell.checkpoint_sha256 == digest and cell.tools == tool_versions(target)

    return [target for target in targets if not all(fresh(target, precision) for precision in FLOAT_PRECISIONS)]


def make_cells(prepared: Prepared, targets: Sequence[Target], folder: Path) -> list[Cell]:
    """Export in a process of its own, measure every pack that came out, and keep the cells in `folder`."""
    digest = digest_file(prepared.checkpoint)
    cells = []
    for result in _export(prepared, targets, folder):
        target = result["target"]
        conversion = result["conversion"] or {"seconds": None, "peak_mib": None}
        latency_ms, problem = _latency_ms(Path(result["pack"])) if result["pack"] else (None, "")
        cell = Cell(
            network=prepared.name,
            position=prepared.position,
            task=prepared.task,
            width=prepared.width,
            height=prepared.height,
            published=prepared.published,
            num_parameters=prepared.num_parameters,
            macs=prepared.macs,
            target=target,
            precision=result["precision"],
            checkpoint_sha256=digest,
            tools=tool_versions(target),
            error=" ".join((result["error"] or problem).split()),
            max_error=result["max_error"],
            min_cosine=result["min_cosine"],
            num_agreeing=result["num_agreeing"],
            num_parts=result["num_parts"],
            size_bytes=result["size_bytes"],
            conversion_s=conversion["seconds"],
            peak_mib=conversion["peak_mib"],
            latency_ms=latency_ms,
        )
        _write_cell(folder, cell)
        cells.append(cell)
    return cells


def renumber(prepared: Prepared, folder: Path) -> None:
    """Its cells stand where the list has the network now."""
    for cell in read_cells(folder):
        if cell.network == prepared.name and cell.position != prepared.position:
            _write_cell(folder, cell.model_copy(update={"position": prepared.position}))


def cell_path(folder: Path, network: str, target: Target, precision: Precision) -> Path:
    return folder / "cells" / network / f"{target}-{precision}.json"


def read_cell(path: Path) -> Cell:
    return parse_record_json(Cell, path.read_bytes(), source=str(path))


def read_cells(folder: Path) -> list[Cell]:
    """All that are kept, in the order of the list, of targets and of precisions."""
    cells = [read_cell(path) for path in sorted((folder / "cells").glob("*/*.json"))]
    return sorted(
        cells,
        key=lambda cell: (
            cell.position,
            cell.network,
            TARGETS.index(cell.target),
            FLOAT_PRECISIONS.index(cell.precision),
        ),
    )


def _write_cell(folder: Path, cell: Cell) -> None:
    with atomic_file(cell_path(folder, cell.network, cell.target, cell.precision)) as temporary:
        temporary.write_text(cell.model_dump_json(indent=2) + "\n")


def _export(prepared: Prepared, targets: Sequence[Target], folder: Path) -> list[dict[str, Any]]:
    """What `edgewright-export --json` says; a pack that could not be proven is part of it, with the reason."""
    results = folder / f"{prepared.name}.json"
    results.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "edgewright_calibration", f"--weights={prepared.checkpoint}",
        f"--target={','.join(targets)}",
        f"--precision={','.join(FLOAT_PRECISIONS)}", f"--out={folder / 'packs' / prepared.name}", f"--json={results}",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if not results.is_file():
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        reason = f"the export ended early: {last}"
        return [_nothing(target, precision, reason) for target in targets for precision in FLOAT_PRECISIONS]
    found: list[dict[str, Any]] = json.loads(results.read_text())
    results.unlink()
    return found


def _nothing(target: Target, precision: Precision, reason: str) -> dict[str, Any]:
    """As the export's record of a pack that did not come out."""
    counts = {"num_agreeing": 0, "num_parts": 0}
    unknown = dict.fromkeys(("pack", "conversion", "max_error", "min_cosine", "size_bytes"))
    return {"target": target, "precision": precision, "error": reason, **counts, **unknown}


def _latency_ms(pack: Path) -> tuple[float | None, str]:
    """None where nothing runs it here; and what is wrong, if running it to be measured failed."""
    try:
        row = next(iter(bench_packs([pack], _QUICK)))
    except CheckError as error:
        return None, f"could not be measured: {error}"
    return (row.result.results[0].stages_ms.inference.p50 if row.result else None), ""
