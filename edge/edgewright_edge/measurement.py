"""What a benchmark run found: the JSON that `edgebench bench` writes, and that the Python runtimes give as well."""

import math
from collections.abc import Sequence

from pydantic import Field

from edgewright_train.schema import Record


class Latency(Record):
    """Milliseconds.  `samples` are in the order they were taken; percentiles are nearest-rank."""

    count: int = Field(ge=1)
    min: float
    mean: float
    p50: float
    p90: float
    p99: float
    max: float
    samples: tuple[float, ...]


class ThreadResult(Record):
    """One thread count.

    Attributes:
        inference_ms: the network alone, from normalised input to output maps.
        image_to_result_ms: from a decoded image to its result: detections, class probabilities or a label map.
    """

    threads: int = Field(ge=1)
    inference_ms: Latency
    image_to_result_ms: Latency


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
    """Of the image that `image_to_result_ms` starts from."""

    width: int
    height: int


class BenchResult(Record):
    """One pack on one device.  `runtime` names the runtime and its version."""

    pack: PackIdentity
    runtime: str
    device: Device
    image: ImageSize
    warmup: int
    runs: int
    results: tuple[ThreadResult, ...]


def summarize(samples_ms: Sequence[float]) -> Latency:
    """Raises `ValueError` for no samples, so that an empty run can never be printed as 0 ms."""
    if not samples_ms:
        raise ValueError("no samples were taken")
    ordered = sorted(samples_ms)

    def percentile(percent: float) -> float:
        return ordered[math.ceil(percent / 100 * len(ordered)) - 1]

    return Latency(
        count=len(ordered),
        min=ordered[0],
        mean=sum(ordered) / len(ordered),
        p50=percentile(50),
        p90=percentile(90),
        p99=percentile(99),
        max=ordered[-1],
        samples=tuple(samples_ms),
    )
