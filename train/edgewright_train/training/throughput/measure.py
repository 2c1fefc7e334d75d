"""Two trainers in turns: each is a process of its own that stands still while it is the other's turn."""

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import CheckError
from ...progress import counted
from .shares import PARTS


@dataclass(frozen=True)
class Throughput:
    """Images per second and what they are made of.

    Attributes:
        ours, plain: medians over the turns.
        ratio: median of ours over plain, pair by pair.
        ratios: of every pair of turns.
        shares: trainer -> part -> share of its time.
        loading: of the loader alone, with as many workers.
        save_seconds: median of nine checkpoints to resume from.
        peak_bytes: of memory, by our trainer.
    """

    ours: float
    plain: float
    ratio: float
    ratios: tuple[float, ...]
    shares: dict[str, dict[str, float]]
    loading: float
    save_seconds: float
    peak_bytes: int


def measure(recipe: Path, *, batch_size: int, rounds: int, steps: int) -> Throughput:
    """`rounds` turns of `steps` steps for each, after one that does not count."""
    taken: dict[str, list[dict[str, Any]]] = {"ours": [], "plain": []}
    with ExitStack() as stack, counted("training in turns") as report:
        children = {kind: stack.enter_context(_Child.of(kind, recipe)) for kind in taken}
        for turn in range(rounds + 1):
            for kind in sorted(taken, reverse=turn % 2 == 1):
                taken[kind].append(children[kind].ask(f"steps {steps}"))
            report(turn + 1, rounds + 1)
        loaded = children["ours"].ask(f"load {4 * steps}")
        saved = children["ours"].ask("save 9")
    speeds = {kind: [steps * batch_size / turn["seconds"] for turn in turns[1:]] for kind, turns in taken.items()}
    ratios = tuple(ours / plain for ours, plain in zip(speeds["ours"], speeds["plain"], strict=True))
    return Throughput(
        ours=statistics.median(speeds["ours"]),
        plain=statistics.median(speeds["plain"]),
        ratio=statistics.median(ratios),
        ratios=ratios,
        shares={kind: _shares(turns[1:]) for kind, turns in taken.items()},
        loading=4 * steps * batch_size / loaded["seconds"],
        save_seconds=saved["seconds"],
        peak_bytes=saved["peak_bytes"],
    )


def _shares(turns: list[dict[str, Any]]) -> dict[str, float]:
    whole = sum(turn["seconds"] for turn in turns)
    return {part: sum(turn["shares"][part] for turn in turns) / whole for part in PARTS}


@dataclass(frozen=True)
class _Child:
    """A trainer; it and its workers run only while they are asked."""

    kind: str
    process: "subprocess.Popen[str]"

    @classmethod
    @contextmanager
    def of(cls, kind: str, recipe: Path) -> Iterator["_Child"]:
        command = [sys.executable, "-m", "edgewright_train.training.throughput.child", kind, str(recipe)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        child = cls(kind, process)
        try:
            child._answer()
            yield child
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def ask(self, order: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        os.killpg(self.process.pid, signal.SIGCONT)
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise CheckError(f"the {self.kind} trainer ended with exit code {self.process.wait()}")
        os.killpg(self.process.pid, signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer
