"""One whole measurement of a pack at one thread count, in a process of its own; as edge/bench/replicate.cpp."""

import itertools
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from edgewright_export.isolation import Child, reply
from edgewright_export.manifest import Manifest
from edgewright_export.pack import Pack
from edgewright_train.schema import Record, parse_record_json
from edgewright_train.tasks.decode import decode_outputs, scaled_to_source
from edgewright_train.vision.read_image import read_image

from ..measurement import MachineState, Replicate, percentile
from ..sessions import first_case, open_session
from .machine_state import read_machine_state
from .thread_times import ThreadWatch
from .warm_up import WarmUp

Frame = Callable[[], tuple[float, ...]]  # one run: the milliseconds of each stage

_LOOK_EVERY_MS = 100.0
_STATE_EVERY_MS = 1000.0
_DECODE_RUNS = 50
_MAX_WARM_UP_MS = 20_000.0
_TIMEOUT_S = 3600


class Measured(Record):
    """`runs`: milliseconds of each of the `STAGES`."""

    replicate: Replicate
    runs: tuple[tuple[float, ...], ...]
    image_decode_ms: tuple[float, ...]


def measure_apart(
    pack: Pack, threads: int, cores: Sequence[int], *, runs: int, seconds: float, image: Path | None
) -> Measured:
    """Raises `CheckError` when the runtime crashes."""
    arguments = {
        "pack": str(pack.path), "manifest": pack.manifest.model_dump_json(), "threads": threads, "cores": list(cores),
        "runs": runs, "seconds": seconds, "image": str(image) if image else None,
    }  # fmt: skip
    target = f"{__name__}:serve"
    with Child(target, arguments, what=f"the {pack.manifest.target} runtime", log=None) as child:
        return parse_record_json(Measured, child.receive(_TIMEOUT_S), source=pack.manifest.target)


def serve(
    connection: Connection,
    *,
    pack: str,
    manifest: str,
    threads: int,
    cores: list[int],
    runs: int,
    seconds: float,
    image: str | None,
) -> None:
    """The child's side: measure and reply."""
    if cores:
        os.sched_setaffinity(0, cores)
    folder, parsed = Path(pack), Manifest.model_validate_json(manifest)
    source_bgr = read_image(Path(image)) if image else first_case(folder, parsed).source_bgr
    preprocess = parsed.input.preprocess
    placed = preprocess.placement((source_bgr.shape[1], source_bgr.shape[0]))

    began = time.perf_counter_ns()
    session = open_session(folder, parsed, threads)
    load_ms = _since_ms(began)

    def frame() -> tuple[float, ...]:
        times = [time.perf_counter_ns()]
        tensor = preprocess.normalise(preprocess.network_image(source_bgr))
        times.append(time.perf_counter_ns())
        maps = session.infer(tensor)
        times.append(time.perf_counter_ns())
        scaled_to_source(decode_outputs(maps, parsed.decode), placed)
        times.append(time.perf_counter_ns())
        return tuple((after - before) / 1e6 for before, after in itertools.pairwise(times))

    first_ms = sum(frame())
    warm_up = WarmUp()
    while not warm_up.flat and warm_up.total_ms < _MAX_WARM_UP_MS:
        warm_up.add(sum(frame()))
    samples, watch, states, wall_ms, other_clock_ms = _measure(frame, cores, runs=runs, seconds=seconds)
    replicate = Replicate(
        cold_load_ms=None,
        load_ms=load_ms,
        first_ms=first_ms,
        warm_up_runs=warm_up.num_runs,
        warm=warm_up.flat,
        wall_ms=wall_ms,
        other_clock_ms=other_clock_ms,
        peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (2**20 if sys.platform == "darwin" else 2**10),
        threads=watch.shares(wall_ms),
        states=states,
        num_runs=len(samples),
        inference_p50_ms=_median(run[1] for run in samples),
        image_to_result_p50_ms=_median(sum(run) for run in samples),
    )
    decode_ms = [_timed(Path(image)) for _ in range(_DECODE_RUNS)] if image else []
    measured = Measured(replicate=replicate, runs=tuple(samples), image_decode_ms=tuple(decode_ms))
    reply(connection, measured.model_dump_json().encode())


def _measure(
    frame: Frame, cores: Sequence[int], *, runs: int, seconds: float
) -> tuple[list[tuple[float, ...]], ThreadWatch, tuple[MachineState, ...], float, float]:
    """Runs until there are enough, with a look at threads and machine in between; and the time by two clocks."""
    samples: list[tuple[float, ...]] = []
    states, watch = [read_machine_state(cores)], ThreadWatch()
    since_look_ms = since_state_ms = 0.0
    began, other_began = time.perf_counter_ns(), _other_clock_ns()
    while len(samples) < runs or _since_ms(began) < seconds * 1000:
        samples.append(frame())
        since_look_ms += sum(samples[-1])
        since_state_ms += sum(samples[-1])
        if since_look_ms >= _LOOK_EVERY_MS:
            watch.look()
            since_look_ms = 0.0
        if since_state_ms >= _STATE_EVERY_MS:
            states.append(read_machine_state(cores))
            since_state_ms = 0.0
    watch.look()
    wall_ms, other_clock_ms = _since_ms(began), (_other_clock_ns() - other_began) / 1e6
    states.append(read_machine_state(cores))
    return samples, watch, tuple(states), wall_ms, other_clock_ms


def _peak_rss_mib() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _other_clock_ns() -> int:
    """One that nobody sets, where there is one."""
    raw = getattr(time, "CLOCK_MONOTONIC_RAW", None)
    return time.perf_counter_ns() if raw is None else time.clock_gettime_ns(raw)


def _since_ms(began_ns: int) -> float:
    return (time.perf_counter_ns() - began_ns) / 1e6


def _timed(image: Path) -> float:
    began = time.perf_counter_ns()
    read_image(image)
    return _since_ms(began)


def _median(values: Iterable[float]) -> float:
    return percentile(sorted(values), 50)
