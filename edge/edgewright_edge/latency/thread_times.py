"""What the kernel says about the threads of this process; as edge/bench/thread_times.cpp."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..measurement import ThreadShare

_TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class ThreadTime:
    """`core`: of its last instruction."""

    cpu_ms: float
    waited_ms: float
    core: int


def read_thread_times(tasks: Path = _TASKS) -> dict[int, ThreadTime]:
    """By thread id; empty where there is no /proc."""
    if not tasks.is_dir():
        return {}
    found = {int(task.name): _read(task) for task in tasks.iterdir()}
    return {id_: time for id_, time in found.items() if time is not None}


@dataclass
class ThreadWatch:
    """Watches the threads of this process from its construction on.  Call `look` outside of what is timed."""

    _start: Mapping[int, ThreadTime] = field(default_factory=read_thread_times)
    _last: Mapping[int, ThreadTime] = field(default_factory=dict)
    _cores: dict[int, set[int]] = field(default_factory=dict)

    def look(self) -> None:
        self._last = read_thread_times()
        for id_, time in self._last.items():
            if id_ not in self._start or time.cpu_ms > self._start[id_].cpu_ms:
                self._cores.setdefault(id_, set()).add(time.core)

    def shares(self, wall_ms: float) -> tuple[ThreadShare, ...]:
        """Of those that computed at all, the busiest first."""
        shares = []
        for id_, time in self._last.items():
            before = self._start.get(id_, ThreadTime(0.0, 0.0, -1))
            if time.cpu_ms > before.cpu_ms and id_ in self._cores:
                shares.append(
                    ThreadShare(
                        cpu=(time.cpu_ms - before.cpu_ms) / wall_ms,
                        waited=(time.waited_ms - before.waited_ms) / wall_ms,
                        cores=tuple(sorted(self._cores[id_])),
                    )
                )
        return tuple(sorted(shares, key=lambda share: share.cpu, reverse=True))


def _read(task: Path) -> ThreadTime | None:
    """None for a thread that has just ended."""
    try:
        fields = (task / "stat").read_text().rpartition(")")[2].split()  # the third field of proc(5) is the first here
        schedstat = (task / "schedstat").read_text().split() if (task / "schedstat").is_file() else []
    except (FileNotFoundError, ProcessLookupError):
        return None
    ticks, core = int(fields[11]) + int(fields[12]), int(fields[36])
    cpu_ms, waited_ms = 1000 * ticks / os.sysconf("SC_CLK_TCK"), 0.0
    if len(schedstat) >= 2:  # nanoseconds computing, and waiting
        cpu_ms, waited_ms = int(schedstat[0]) / 1e6 or cpu_ms, int(schedstat[1]) / 1e6
    return ThreadTime(cpu_ms, waited_ms, core)
