"""results.sqlite: every measurement, one row per pack, thread count and stage; and one JSON per pack and run.

benchmarks(
  id               INTEGER PRIMARY KEY
  run              TEXT     "20261122T014500Z", when the command started: all it measured has the same
  model            TEXT     "yolo-fastestv2"
  pack             TEXT     "ncnn-fp16"
  manifest_sha256  TEXT     identifies every byte of the pack
  size_bytes       INTEGER  of the files a device needs
  metric           TEXT     "AP50"; NULL when the pack was exported without a data set
  accuracy         REAL     of the pack; NULL likewise
  device           TEXT     "host"
  device_json      TEXT     `measurement.Device`
  runtime          TEXT     "ncnn 1.0.20261020"
  edgewright       TEXT     version
  threads          INTEGER
  stage            TEXT     "inference" or "image_to_result"
  warmup, count    INTEGER
  min_ms, mean_ms, p50_ms, p90_ms, p99_ms, max_ms  REAL
  samples_ms       TEXT     JSON list, in the order they were taken
)
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgewright_export.pack import Pack
from edgewright_train.atomic import atomic_file
from edgewright_train.errors import InputError

from .measurement import BenchResult, Latency

_COLUMNS = {
    "run": "TEXT NOT NULL",
    "model": "TEXT NOT NULL",
    "pack": "TEXT NOT NULL",
    "manifest_sha256": "TEXT NOT NULL",
    "size_bytes": "INTEGER NOT NULL",
    "metric": "TEXT",
    "accuracy": "REAL",
    "device": "TEXT NOT NULL",
    "device_json": "TEXT NOT NULL",
    "runtime": "TEXT NOT NULL",
    "edgewright": "TEXT NOT NULL",
    "threads": "INTEGER NOT NULL",
    "stage": "TEXT NOT NULL CHECK (stage IN ('inference', 'image_to_result'))",
    "warmup": "INTEGER NOT NULL",
    "count": "INTEGER NOT NULL",
    **{f"{name}_ms": "REAL NOT NULL" for name in ("min", "mean", "p50", "p90", "p99", "max")},
    "samples_ms": "TEXT NOT NULL",
}
_BUSY_TIMEOUT_S = 30


def store_result(database: Path, run: str, pack: Pack, result: BenchResult) -> None:
    """Append the rows of `result`, all or none; several processes may do so at a time."""
    rows = list(_rows(run, pack, result))
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    values = ", ".join(f":{name}" for name in _COLUMNS)
    try:
        with closing(sqlite3.connect(database, timeout=_BUSY_TIMEOUT_S)) as connection, connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS benchmarks (id INTEGER PRIMARY KEY, {columns})")
            connection.executemany(f"INSERT INTO benchmarks ({', '.join(_COLUMNS)}) VALUES ({values})", rows)  # noqa: S608
    except sqlite3.Error as error:
        raise InputError(f"{database}: {error}") from None


def write_record(folder: Path, run: str, pack: Pack, result: BenchResult) -> None:
    """The same as JSON: `<run>-<model>-<pack>.json`."""
    with atomic_file(folder / f"{run}-{result.pack.model}-{result.pack.name}.json") as temporary:
        temporary.write_text(json.dumps(as_record(run, pack, result), indent=2) + "\n")


def as_record(run: str, pack: Pack, result: BenchResult) -> dict[str, Any]:
    """What the JSON holds: the result, and what its pack is worth."""
    accuracy = pack.manifest.accuracy
    return {
        "run": run,
        "size_bytes": pack.size_bytes,
        "accuracy": accuracy.model_dump(mode="json") if accuracy else None,
        **result.model_dump(mode="json"),
    }


def _rows(run: str, pack: Pack, result: BenchResult) -> Iterator[dict[str, Any]]:
    accuracy = pack.manifest.accuracy
    shared = {
        "run": run,
        "model": result.pack.model,
        "pack": result.pack.name,
        "manifest_sha256": result.pack.manifest_sha256,
        "size_bytes": pack.size_bytes,
        "metric": accuracy.metric if accuracy else None,
        "accuracy": accuracy.value if accuracy else None,
        "device": "host",
        "device_json": result.device.model_dump_json(),
        "runtime": result.runtime,
        "edgewright": version("edgewright"),
        "warmup": result.warmup,
    }
    for threads in result.results:
        for stage in ("inference", "image_to_result"):
            latency: Latency = getattr(threads, f"{stage}_ms")
            numbers = {f"{name}_ms": getattr(latency, name) for name in ("min", "mean", "p50", "p90", "p99", "max")}
            samples = json.dumps(latency.samples)
            yield {**shared, "threads": threads.threads, "stage": stage, "count": latency.count, **numbers,
                   "samples_ms": samples}  # fmt: skip
