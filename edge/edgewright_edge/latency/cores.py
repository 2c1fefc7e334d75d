"""The fastest cores of this machine; as edge/src/cores.cpp."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..sysfs import number


@dataclass(frozen=True)
class Core:
    """`capacity`: relative to the machine's largest core, which has 1024; 0, as in `max_khz`: not told.

    `sibling`: 0 for the first hardware thread of a physical core, 1 for the second, ...
    """

    index: int
    capacity: float
    max_khz: float
    sibling: int


def find_cores(sysfs: Path = Path("/sys")) -> list[Core]:
    """Those that this process may use; none where nobody tells."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    threads_of: Counter[tuple[float, float]] = Counter()
    cores = []
    for index in allowed:
        folder = sysfs / "devices/system/cpu" / f"cpu{index}"
        core_id = number(folder / "topology/core_id")
        package = number(folder / "topology/physical_package_id") or 0
        physical = (package, -1 - index if core_id is None else core_id)  # not told: a core of its own
        capacity, max_khz = number(folder / "cpu_capacity") or 0, number(folder / "cpufreq/cpuinfo_max_freq") or 0
        cores.append(Core(index, capacity, max_khz, threads_of[physical]))
        threads_of[physical] += 1
    return cores


def fastest_cores(cores: list[Core], count: int) -> tuple[int, ...]:
    """Indices: a physical core each as long as there are some, and of these the largest."""
    ordered = sorted(cores, key=lambda core: (core.sibling, -core.capacity, -core.max_khz, core.index))
    return tuple(core.index for core in ordered[:count])
