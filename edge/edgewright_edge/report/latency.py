"""The newest measurements of each pack, from results.sqlite (schema: results.py)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgewright_train.errors import InputError
from edgewright_train.schema import parse_record_json

from ..measurement import Device, Stage
from .database import reading

_MOST_ROWS = 10_000


@dataclass(frozen=True)
class Measured:
    """One pack at one thread count and stage; `problems`: why it was refused."""

    p50_ms: float
    p90_ms: float
    count: int
    runtime: str
    device: str
    problems: tuple[str, ...]

    @property
    def valid(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Measurements:
    """`by_manifest`: SHA-256 of a manifest -> (threads, stage) -> its newest measurement."""

    by_manifest: Mapping[str, Mapping[tuple[int, Stage], Measured]]
    problem: str = ""

    def of(self, manifest_sha256: str) -> Mapping[tuple[int, Stage], Measured]:
        return self.by_manifest.get(manifest_sha256, {})


def read_measurements(database: Path) -> Measurements:
    """None when there is no such file; one that cannot be read is said in `problem`."""
    if not database.is_file():
        return Measurements({})
    try:
        return Measurements(_read(database))
    except InputError as error:
        return Measurements({}, str(error))


def _read(database: Path) -> dict[str, dict[tuple[int, Stage], Measured]]:
    # Of one device, so that times can be compared: this host, or where none were taken, the last that was measured.
    # With MAX, SQLite takes the other columns from the row that has it.
    query = (
        "SELECT manifest_sha256, threads, stage, p50_ms, p90_ms, count, runtime, device_json, problems, MAX(id) "
        "FROM latencies WHERE device = (SELECT device FROM latencies ORDER BY device = 'host' DESC, id DESC LIMIT 1) "
        "GROUP BY manifest_sha256, threads, stage LIMIT ?"
    )
    found: dict[str, dict[tuple[int, Stage], Measured]] = {}
    with reading(database) as connection:
        for row in connection.execute(query, (_MOST_ROWS,)):
            found.setdefault(row["manifest_sha256"], {})[row["threads"], row["stage"]] = Measured(
                p50_ms=row["p50_ms"],
                p90_ms=row["p90_ms"],
                count=row["count"],
                runtime=row["runtime"],
                device=_device(row["device_json"], database),
                problems=tuple(json.loads(row["problems"])),
            )
    return found


def _device(device_json: str, database: Path) -> str:
    device = parse_record_json(Device, device_json, source=f"{database}: device_json")
    cores = f"{device.num_cores} core" if device.num_cores == 1 else f"{device.num_cores} cores"
    return f"{device.cpu_model or device.architecture}, {cores}"
