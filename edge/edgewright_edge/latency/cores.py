"""The fastest cores of this machine; as edge/src/cores.cpp."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


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
        package = _number(folder / "topology/physical_package_id", 0)
        physical = (package, _number(folder / "topology/core_id", -1 - index))  # not told: a core of its own
        capacity, max_khz = _number(folder / "cpu_capacity", 0), _number(folder / "cpufreq/cpuinfo_max_freq", 0)
        cores.append(Core(index, capacity, max_khz, threads_of[physical]))
        threads_of[physical] += 1
    return cores


def fastest_cores(cores: list[Core], count: int) -> tuple[int, ...]:
    """Indices: a physical core each as long as there are some, and of these the largest."""
    ordered = sorted(cores, key=lambda core: (core.sibling, -core.capacity, -core.max_khz, core.index))
    return tuple(core.index for core in ordered[:count])


def _number(path: Path, missing: float) -> float:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return missing
