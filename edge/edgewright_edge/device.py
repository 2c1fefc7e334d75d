"""The machine this runs on, for the runtimes that are measured from Python (edgebench tells for itself)."""

import os
import platform
from pathlib import Path

from .measurement import Device
from .sysfs import first_line, number

_CPUINFO = Path("/proc/cpuinfo")
_CPU0 = Path("/sys/devices/system/cpu/cpu0/cpufreq")


def num_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def probe_device() -> Device:
    """What the operating system tells; which instructions a runtime uses of it is the runtime's own matter."""
    cpuinfo = _CPUINFO.read_text() if _CPUINFO.is_file() else ""
    khz = number(_CPU0 / "scaling_cur_freq")
    return Device(
        cpu_model=_field(cpuinfo, "model name") or platform.processor(),
        architecture=platform.machine(),
        num_cores=num_cores(),
        cpu_features=(),
        governor=first_line(_CPU0 / "scaling_governor"),
        frequency_mhz=khz / 1000 if khz else float(_field(cpuinfo, "cpu MHz") or 0),
        fp16_arithmetic_compiled=False,
        fp16_arithmetic_available=False,
    )


def _field(cpuinfo: str, name: str) -> str:
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")
