"""What is asked of a benchmark, whatever runs it and wherever."""

from dataclasses import dataclass
from pathlib import Path

from edgewright_train.errors import InputError

from .latency.verdict import MIN_RUNS, MIN_SECONDS, REPLICATES
from .measurement import Method

_MLPERF = Method(replicates=REPLICATES, min_runs=1024, min_seconds=60, mlperf=True)


@dataclass(frozen=True)
class Request:
    """`image`: a file to measure with, its decoding included; None: the pack's first golden image."""

    thread_counts: tuple[int, ...]
    method: Method
    image: Path | None = None


def method(*, runs: int = MIN_RUNS, seconds: float = MIN_SECONDS, mlperf: bool = False) -> Method:
    """Of each replicate at least so many runs and seconds; MLPerf's single stream has 1024 and 60."""
    return _MLPERF if mlperf else Method(replicates=REPLICATES, min_runs=runs, min_seconds=seconds, mlperf=False)


def thread_counts(text: str | None, cores: int, machine: str = "this machine") -> tuple[int, ...]:
    """The given ones, `1,4`, each at most the machine's cores; else 1 and 4, or what the machine has."""
    if text is None:
        return (1,) if cores == 1 else (1, min(4, cores))
    counts = tuple(int(part) if part.strip().isdecimal() else 0 for part in text.split(","))
    for given, count in zip(text.split(","), counts, strict=True):
        if not 1 <= count <= cores:
            raise InputError(f"THREADS={given.strip()}: give a number from 1 to {cores}, the cores of {machine}")
    return counts
