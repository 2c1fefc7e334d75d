"""Whether a measurement can be believed, and if not, why; as edge/bench/verdict.cpp, word for word.

A test holds the two against each other.
"""

from collections.abc import Iterator, Sequence

from ..measurement import Replicate, percentile

REPLICATES = 3
MIN_RUNS = 50
MIN_SECONDS = 5.0
_MAX_SPREAD = 0.05  # of the replicates' medians
_MAX_WAITED = 0.02  # of the wall time, for a core that another process had
_MAX_STOLEN = 0.02  # of the cores' time, by the host of a virtual machine
_BUSY = 0.25  # of the wall time: a thread that took part
_MAX_FREQUENCY_DROP = 0.05
_MAX_CLOCK_DRIFT = 0.01
_THROTTLED = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")


def find_problems(threads: int, cores: Sequence[int], replicates: Sequence[Replicate], least_ms: float) -> list[str]:
    """One sentence each; none: it can be believed.  `least_ms`: the shortest of all times."""
    problems = [f"{len(replicates)} replicates; {REPLICATES} are needed"] if len(replicates) < REPLICATES else []
    if not least_ms >= 0:
        problems.append("the clock went backwards")
    for replicate in replicates:
        problems += _amount(replicate)
        problems += _clock(replicate)
        problems += _threads(replicate, threads, cores)
        problems += _machine(replicate, cores)
    problems += _company(replicates, cores)
    problems += _agreement("inference", [replicate.inference_p50_ms for replicate in replicates])
    problems += _agreement("image to result", [replicate.image_to_result_p50_ms for replicate in replicates])
    return list(dict.fromkeys(problems))


def _agreement(what: str, medians_ms: Sequence[float]) -> Iterator[str]:
    spread = (max(medians_ms) - min(medians_ms)) / percentile(sorted(medians_ms), 50)
    if not spread <= _MAX_SPREAD:
        yield f"the replicates' medians of {what} are {_percent(spread)} apart (limit {_percent(_MAX_SPREAD)})"


def _amount(replicate: Replicate) -> Iterator[str]:
    if replicate.num_runs < MIN_RUNS or replicate.wall_ms < MIN_SECONDS * 1000:
        yield (
            f"{replicate.num_runs} runs in {replicate.wall_ms / 1000:.4g} s were measured; "
            f"at least {MIN_RUNS} and {MIN_SECONDS:.4g} s are needed"
        )
    if not replicate.warm:
        yield f"after {replicate.warm_up_runs} runs of warm-up times still drifted"


def _clock(replicate: Replicate) -> Iterator[str]:
    drift = abs(replicate.wall_ms - replicate.other_clock_ms) / max(replicate.wall_ms, 1e-9)
    if not drift <= _MAX_CLOCK_DRIFT:
        yield f"two clocks differ by {_percent(drift)} (limit {_percent(_MAX_CLOCK_DRIFT)})"


def _threads(replicate: Replicate, threads: int, cores: Sequence[int]) -> Iterator[str]:
    if not replicate.threads:
        yield "the operating system does not tell what the threads did"
        return
    busy = [share for share in replicate.threads if share.cpu >= _BUSY]
    if len(busy) != threads:
        yield (
            f"asked for {threads} {'thread' if threads == 1 else 'threads'}, "
            f"{len(busy)} {'was' if len(busy) == 1 else 'were'} busy"
        )
    seen = {core for share in busy for core in share.cores}
    if cores and not seen <= set(cores):
        yield "a thread left the cores it was put on"
    elif len(seen) < len(set(cores)) and len(busy) == threads:
        yield f"{threads} threads shared {len(seen)} {'core' if len(seen) == 1 else 'cores'}"


def _company(replicates: Sequence[Replicate], cores: Sequence[int]) -> Iterator[str]:
    """What other programs, and other guests of the same host, took: the worst of the replicates."""
    waited = max((share.waited for replicate in replicates for share in replicate.threads), default=0.0)
    if not waited <= _MAX_WAITED:
        limit = _percent(_MAX_WAITED)
        yield f"a thread waited {_percent(waited)} of the time for a core that others used (limit {limit})"
    stolen = max((_stolen(replicate, cores) for replicate in replicates), default=0.0)
    if not stolen <= _MAX_STOLEN:
        limit = _percent(_MAX_STOLEN)
        yield f"the host of this virtual machine took {_percent(stolen)} of the time (limit {limit})"


def _stolen(replicate: Replicate, cores: Sequence[int]) -> float:
    """A fraction of the cores' time; 0 where nobody tells."""
    if not replicate.states or not cores:
        return 0.0
    before, after = replicate.states[0].stolen_ms, replicate.states[-1].stolen_ms
    if before is None or after is None:
        return 0.0
    return (after - before) / (replicate.wall_ms * len(cores))


def _machine(replicate: Replicate, cores: Sequence[int]) -> Iterator[str]:
    for text in sorted({throttle_text(state.throttled or 0) for state in replicate.states} - {""}):
        yield f"the machine slowed itself down: {text}"
    for i, core in enumerate(cores):
        known = [state.core_mhz[i] for state in replicate.states if i < len(state.core_mhz)]
        mhz = [value for value in known if value is not None]
        if mhz and min(mhz) < (1 - _MAX_FREQUENCY_DROP) * max(mhz):
            yield (f"core {core} went from {max(mhz):.4g} MHz to {min(mhz):.4g} MHz; set its governor to performance")


def throttle_text(throttled: int) -> str:
    """What bits 0..3 of Raspberry Pi's `get_throttled` say: "under-voltage, throttled"; empty: nothing now."""
    return ", ".join(name for bit, name in enumerate(_THROTTLED) if throttled >> bit & 1)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"
