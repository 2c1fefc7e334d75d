"""Measures packs in turns: in every round each of them runs a few times, so that what slows the machine slows all.

Every pack is loaded once, in a process of its own, with a network per thread count; one of them works, all others wait.
"""

import json
import select
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Protocol

from edgewright_export.isolation import Child
from edgewright_export.manifest import Target
from edgewright_export.pack import Pack
from edgewright_export.runners import RUNNERS, require
from edgewright_train.errors import CheckError, InputError

from ..building.host import build_host
from ..edgebench import edgebench_error
from ..measurement import summarize
from .costs import Cost, Costs

_TIMEOUT_S = 600

Progress = Callable[[int, int], None]  # rounds done, rounds in all


class Turns(Protocol):
    """A pack that is loaded and waits.  A context manager: leaving ends its process."""

    def __init__(self, pack: Pack, thread_counts: Sequence[int]) -> None: ...

    def __enter__(self) -> "Turns": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def take(self, threads: int, warmup: int, runs: int) -> list[float]:
        """Milliseconds of each run of the network alone, after `warmup` runs that do not count."""


class PythonTurns:
    """A TFLite or ONNX pack.  Entering raises `InputError` when the runtime is not installed."""

    def __init__(self, pack: Pack, thread_counts: Sequence[int]) -> None:
        arguments = {
            "pack": str(pack.path),
            "manifest": pack.manifest.model_dump_json(),
            "thread_counts": list(thread_counts),
        }
        _, package, extra = RUNNERS[pack.manifest.target]
        require(package, extra)
        self._child = Child(
            "edgewright_edge.sessions:serve_turns", arguments, what=f"the runtime of {pack.path}", log=None
        )

    def __enter__(self) -> "PythonTurns":
        self._child.__enter__()
        try:
            self._child.receive(_TIMEOUT_S)
        except BaseException:
            self._child.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._child.__exit__(*error)

    def take(self, threads: int, warmup: int, runs: int) -> list[float]:
        """As `Turns.take`."""
        self._child.send(json.dumps([threads, warmup, runs]).encode())
        return json.loads(self._child.receive(_TIMEOUT_S))


class EdgebenchTurns:
    """An NCNN pack.  Builds edgebench when needed; raises the errors that edgebench reports."""

    def __init__(self, pack: Pack, thread_counts: Sequence[int]) -> None:
        threads = ",".join(str(count) for count in thread_counts)
        self._command = [str(build_host()), "turns", str(pack.path), "--threads", threads]
        self._path = pack.path

    def __enter__(self) -> "EdgebenchTurns":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe)
        try:
            self._answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def take(self, threads: int, warmup: int, runs: int) -> list[float]:
        """As `Turns.take`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{threads} {warmup} {runs}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended, and the answer says why
        return json.loads(self._answer())

    def _answer(self) -> bytes:
        """The next line; it was asked for one, so that no other is on its way."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if not select.select([self._process.stdout], [], [], _TIMEOUT_S)[0]:
            raise CheckError(f"{self._path}: edgebench did not answer within {_TIMEOUT_S} s")
        if line := self._process.stdout.readline():
            return line
        raise edgebench_error(self._process.wait(), self._process.stderr.read().decode(errors="replace"))


TURNS: dict[Target, type[Turns]] = {"ncnn": EdgebenchTurns, "tflite": PythonTurns, "onnx": PythonTurns}


def measure_in_turns(
    packs: Sequence[Pack], thread_counts: Sequence[int], *, rounds: int, warmup: int, runs: int, progress: Progress
) -> Costs:
    """`rounds` turns for each pack and thread count, each of `runs` runs after `warmup` that do not count.

    Raises `CheckError` when a runtime crashes.
    """
    with ExitStack() as stack:
        loaded: dict[Path, Turns] = {}
        unmeasured: dict[Path, str] = {}
        for pack in packs:
            if (kind := TURNS.get(pack.manifest.target)) is None:
                unmeasured[pack.path] = f"{pack.manifest.target} does not run on this host"
                continue
            try:
                loaded[pack.path] = stack.enter_context(kind(pack, thread_counts))
            except InputError as error:  # its runtime or its compiler is not installed
                unmeasured[pack.path] = str(error)
        contestants = [(path, threads) for path in loaded for threads in thread_counts]
        samples = _rounds(loaded, contestants, rounds, warmup, runs, progress)
    return Costs(tuple(_cost(*contestant, turns) for contestant, turns in samples.items()), unmeasured)


def _cost(path: Path, threads: int, turns: Sequence[Sequence[float]]) -> Cost:
    every = [milliseconds for turn in turns for milliseconds in turn]
    return Cost(path, threads, tuple(median(turn) for turn in turns), summarize(every).p50)


def _rounds(
    loaded: dict[Path, Turns],
    contestants: Sequence[tuple[Path, int]],
    rounds: int,
    warmup: int,
    runs: int,
    progress: Progress,
) -> dict[tuple[Path, int], list[list[float]]]:
    """Each contestant's turns.  A first round does not count: it brings everything into memory."""
    samples: dict[tuple[Path, int], list[list[float]]] = {contestant: [] for contestant in contestants}
    for number in range(-1, rounds):
        for path, threads in _order(contestants, number):
            turn = loaded[path].take(threads, warmup, runs)
            if number >= 0:
                samples[path, threads].append(turn)
        progress(max(number + 1, 0), rounds)
    return samples


def _order(contestants: Sequence[tuple[Path, int]], number: int) -> Sequence[tuple[Path, int]]:
    """Another one begins in each round, and every second one goes backwards: nobody always follows the same one."""
    if not contestants:
        return contestants
    first = number % len(contestants)
    turned = [*contestants[first:], *contestants[:first]]
    return turned[::-1] if number % 2 else turned
