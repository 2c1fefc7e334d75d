"""results.sqlite: every measurement, one row per pack, thread count and stage; and one JSON per pack and run.

latencies(
  id               INTEGER PRIMARY KEY
  run              TEXT     "20261122T014500Z", when the command started: all it measured has the same
  model            TEXT     "yolo-fastestv2"
  pack             TEXT     "ncnn-fp16"
  manifest_sha256  TEXT     identifies every byte of the pack
  size_bytes       INTEGER  of the files a device needs
  metric           TEXT     "AP50"; NULL when the pack was exported without a data set
  accuracy         REAL     of the pack; NULL likewise
  device           TEXT     "host", "ssh://pi@10.0.0.5", or its name in a lab.toml
  device_json      TEXT     `measurement.Device`
  runtime          TEXT     "ncnn 1.0.20261020"
  edgewright       TEXT     version
  threads          INTEGER
  cores            TEXT     JSON list of the cores it was kept on
  stage            TEXT     `measurement.Stage`
  valid            INTEGER  0: refused
  problems         TEXT     JSON list of the reasons
  load_ms, first_ms, peak_rss_mib  REAL  medians of the replicates
  cold_load_ms     REAL     likewise; NULL where the files could not be taken out of the page cache
  count            INTEGER
  min_ms, mean_ms, p50_ms, p90_ms, p99_ms, max_ms, mad_ms, p50_low_ms, p50_high_ms  REAL
  samples_ms       TEXT     JSON list, in the order they were taken
)
"""

import json
import re
import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from edgewright_export.pack import Pack
from edgewright_train.atomic import atomic_file
from edgewright_train.errors import InputError

from .measurement import BenchResult, Latency, Replicate, Stage

_STATISTICS = ("min", "mean", "p50", "p90", "p99", "max", "mad", "p50_low", "p50_high")
_OF_REPLICATES = ("load_ms", "first_ms", "peak_rss_mib")
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
    "cores": "TEXT NOT NULL",
    "stage": "TEXT NOT NULL",
    "valid": "INTEGER NOT NULL CHECK (valid IN (0, 1))",
    "problems": "TEXT NOT NULL",
    **dict.fromkeys(_OF_REPLICATES, "REAL NOT NULL"),
    "cold_load_ms": "REAL",
    "count": "INTEGER NOT NULL",
    **{f"{name}_ms": "REAL NOT NULL" for name in _STATISTICS},
    "samples_ms": "TEXT NOT NULL",
}
_BUSY_TIMEOUT_S = 30


def store_result(database: Path, run: str, pack: Pack, result: BenchResult, device: str = "host") -> None:
    """Append the rows of `result`, all or none; several processes may do so at a time."""
    rows = list(_rows(run, pack, result, device))
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    values = ", ".join(f":{name}" for name in _COLUMNS)
    try:
        with closing(sqlite3.connect(database, timeout=_BUSY_TIMEOUT_S)) as connection, connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS latencies (id INTEGER PRIMARY KEY, {columns})")
            connection.executemany(f"INSERT INTO latencies ({', '.join(_COLUMNS)}) VALUES ({values})", rows)  # noqa: S608
    except sqlite3.Error as error:
        raise InputError(f"{database}: {error}") from None


def write_record(folder: Path, run: str, pack: Pack, result: BenchResult, device: str = "host") -> None:
    """The same as JSON: `<run>-<model>-<pack>.json`, with the device before it unless that is the host."""
    where = "" if device == "host" else re.sub(r"[^A-Za-z0-9._-]+", "_", device) + "-"
    with atomic_file(folder / f"{run}-{where}{result.pack.model}-{result.pack.name}.json") as temporary:
        temporary.write_text(json.dumps(as_record(run, pack, result, device), indent=2) + "\n")


def as_record(run: str, pack: Pack, result: BenchResult, device: str = "host") -> dict[str, Any]:
    """What the JSON holds: the result, and what its pack is worth."""
    accuracy = pack.manifest.accuracy
    return {
        "run": run,
        "device_name": device,
        "size_bytes": pack.size_bytes,
        "accuracy": accuracy.model_dump(mode="json") if accuracy else None,
        **result.model_dump(mode="json"),
    }


def _rows(run: str, pack: Pack, result: BenchResult, device: str) -> Iterator[dict[str, Any]]:
    accuracy = pack.manifest.accuracy
    shared = {
        "run": run,
        "model": result.pack.model,
        "pack": result.pack.name,
        "manifest_sha256": result.pack.manifest_sha256,
        "size_bytes": pack.size_bytes,
        "metric": accuracy.metric if accuracy else None,
        "accuracy": accuracy.value if accuracy else None,
        "device": device,
        "device_json": result.device.model_dump_json(),
        "runtime": result.runtime,
        "edgewright": version("edgewright"),
    }
    for threads in result.results:
        evidence = {
            "threads": threads.threads,
            "cores": json.dumps(threads.cores),
            "valid": int(threads.valid),
            "problems": json.dumps(threads.problems),
            **{
                name: _median(threads.replicates, name)
                for name in ("load_ms", "first_ms", "peak_rss_mib", "cold_load_ms")
            },
        }
        for stage in get_args(Stage):
            latency: Latency | None = getattr(threads.stages_ms, stage)
            if latency is not None:
                numbers = {f"{name}_ms": getattr(latency, name) for name in _STATISTICS}
                samples = json.dumps(latency.samples)
                yield {**shared, **evidence, "stage": stage, "count": latency.count, **numbers, "samples_ms": samples}


def _median(replicates: Sequence[Replicate], name: str) -> float | None:
    """Of those that have it."""
    known = [value for replicate in replicates if (value := getattr(replicate, name)) is not None]
    return statistics.median(known) if known else None
