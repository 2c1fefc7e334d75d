"""What a benchmark run found: the JSON that `edgebench bench` writes, and that the Python runtimes give as well.

What the fields mean, and when a result is valid: docs/benchmarking.md.
"""

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from edgewright_train.schema import Record

STAGES = ("preprocess", "inference", "postprocess")  # of one run, in order; together they are "image to result"
Stage = Literal["image_decode", "preprocess", "inference", "postprocess", "image_to_result"]


class Latency(Record):
    """Milliseconds.  `samples` are in the order they were taken; percentiles are nearest-rank.

    Attributes:
        mad: median of the distances from p50.
        p50_low, p50_high: 95 % interval of p50, by bootstrap.
    """

    count: int = Field(ge=1)
    min: float
    mean: float
    p50: float
    p90: float
    p99: float
    max: float
    mad: float
    p50_low: float
    p50_high: float
    samples: tuple[float, ...]


class Stages(Record):
    """Of all replicates together.

    Attributes:
        image_decode: of an image file, where one was given.
        preprocess: from a decoded image to the normalised input.
        inference: the network alone.
        postprocess: from its outputs to detections, class probabilities or a label map.
        image_to_result: the last three together.
    """

    image_decode: Latency | None
    preprocess: Latency
    inference: Latency
    postprocess: Latency
    image_to_result: Latency


class ThreadShare(Record):
    """One thread while runs were measured: computing and waiting for a core, as fractions of the wall time."""

    cpu: float
    waited: float
    cores: tuple[int, ...]


class MachineState(Record):
    """Of the cores that were used; None, or empty: the machine does not tell.

    Attributes:
        temperature_c: of the hottest zone.
        throttled: Raspberry Pi's `get_throttled`.
        stolen_ms: since boot, what the host of a virtual machine gave to others.
    """

    governor: str
    core_mhz: tuple[float | None, ...]
    temperature_c: float | None
    throttled: int | None = Field(ge=0)
    stolen_ms: float | None


class Replicate(Record):
    """One whole measurement in a process of its own.

    Attributes:
        cold_load_ms: with the files out of the page cache; None where they could not be taken out.
        first_ms: of the first run, all its stages.
        warm: whether the times had become flat before runs were measured.
        wall_ms, other_clock_ms: of all measured runs, by two clocks.
        states: before, about every second, after.
    """

    cold_load_ms: float | None
    load_ms: float
    first_ms: float
    warm_up_runs: int
    warm: bool
    wall_ms: float
    other_clock_ms: float
    peak_rss_mib: float
    threads: tuple[ThreadShare, ...]
    states: tuple[MachineState, ...]
    num_runs: int
    inference_p50_ms: float
    image_to_result_p50_ms: float


class ThreadResult(Record):
    """One thread count.

    Attributes:
        cores: that it was kept on; empty where a program cannot choose.
        problems: why it is not valid, one sentence each.
    """

    threads: int = Field(ge=1)
    cores: tuple[int, ...]
    valid: bool
    problems: tuple[str, ...]
    stages_ms: Stages
    replicates: tuple[Replicate, ...]


class PackIdentity(Record):
    """Which pack was measured; the digest of its manifest covers every byte of it."""

    path: str
    model: str
    target: str
    precision: str
    manifest_sha256: str

    @property
    def name(self) -> str:
        """`ncnn-fp16` and the like."""
        return f"{self.target}-{self.precision}"


class Device(Record):
    """What it was measured on; empty or 0: the machine does not tell."""

    cpu_model: str
    architecture: str
    num_cores: int = Field(ge=1)
    cpu_features: tuple[str, ...]
    governor: str
    frequency_mhz: float
    fp16_arithmetic_compiled: bool
    fp16_arithmetic_available: bool


class ImageSize(Record):
    """Of the image that every run starts from."""

    width: int
    height: int


class Method(Record):
    """What was asked for: each replicate has at least so many runs, and takes at least so long."""

    replicates: int
    min_runs: int
    min_seconds: float
    mlperf: bool


class BenchResult(Record):
    """One pack on one device.  `runtime` names the runtime and its version."""

    pack: PackIdentity
    runtime: str
    device: Device
    image: ImageSize
    method: Method
    results: tuple[ThreadResult, ...]


def summarize(samples_ms: Sequence[float]) -> Latency:
    """Raises `ValueError` for no samples, so that an empty run can never be printed as 0 ms."""
    if not samples_ms:
        raise ValueError("no samples were taken")
    ordered = sorted(samples_ms)
    count = len(ordered)
    p50 = percentile(ordered, 50)
    return Latency(
        count=count,
        min=ordered[0],
        mean=sum(ordered) / count,
        p50=p50,
        p90=percentile(ordered, 90),
        p99=percentile(ordered, 99),
        max=ordered[-1],
        mad=percentile(sorted(abs(sample - p50) for sample in ordered), 50),
        p50_low=ordered[_bootstrap_median_rank(count, 0.025) - 1],
        p50_high=ordered[_bootstrap_median_rank(count, 0.975) - 1],
        samples=tuple(samples_ms),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank, of what is sorted and not empty."""
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1]


def _bootstrap_median_rank(count: int, probability: float) -> int:
    """The smallest rank that a resample's median is at most, with that probability: edge/src/statistics.cpp."""
    median, low, high = math.ceil(count / 2), 1, count
    while low < high:
        middle = (low + high) // 2
        if _binomial_tail(count, median, middle / count) >= probability:
            high = middle
        else:
            low = middle + 1
    return low


def _binomial_tail(trials: int, successes: int, p: float) -> float:
    """Of at least so many successes."""
    if p >= 1:
        return 1.0
    total = 0.0
    for k in range(successes, trials + 1):
        choices = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        term = math.exp(choices + k * math.log(p) + (trials - k) * math.log1p(-p))
        total += term
        if k > trials * p and term < 1e-12 * total:
            break
    return total
