"""The machine this runs on, for the runtimes that are measured from Python (edgebench tells for itself)."""

import os
import platform
from pathlib import Path

from .measurement import Device

_CPU0 = Path("/sys/devices/system/cpu/cpu0/cpufreq")


def num_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def probe_device() -> Device:
    """What the operating system tells; which instructions a runtime uses of it is the runtime's own matter."""
    cpuinfo = _read(Path("/proc/cpuinfo"))
    khz = _read(_CPU0 / "scaling_cur_freq")
    return Device(
        cpu_model=_field(cpuinfo, "model name") or platform.processor(),
        architecture=platform.machine(),
        num_cores=num_cores(),
        cpu_features=(),
        governor=_read(_CPU0 / "scaling_governor").strip(),
        frequency_mhz=float(khz) / 1000 if khz else float(_field(cpuinfo, "cpu MHz") or 0),
        fp16_arithmetic_compiled=False,
        fp16_arithmetic_available=False,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _field(cpuinfo: str, name: str) -> str:
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")
