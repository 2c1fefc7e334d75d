"""What may slow a machine down without a program noticing; as edge/bench/machine_state.cpp."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..measurement import MachineState
from ..sysfs import first_line, number

_VCGENCMD = Path("/usr/bin/vcgencmd")


def read_machine_state(cores: Sequence[int], root: Path = Path("/")) -> MachineState:
    """`root` stands for / in tests."""
    cpus = root / "sys/devices/system/cpu"
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))
    temperatures = [value / 1000 for value in map(number, zones) if value is not None]
    frequencies = (number(cpus / f"cpu{core}/cpufreq/scaling_cur_freq") for core in cores)
    return MachineState(
        governor=first_line(cpus / f"cpu{cores[0]}/cpufreq/scaling_governor") if cores else "",
        core_mhz=tuple(None if khz is None else khz / 1000 for khz in frequencies),
        temperature_c=max(temperatures, default=None),
        throttled=_throttled(root),
        stolen_ms=_stolen_ms(root / "proc/stat", cores),
    )


def _throttled(root: Path) -> int | None:
    """From the kernel of Raspberry Pi OS, or where that does not tell from `vcgencmd`."""
    told = first_line(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if not told and root == Path("/") and _VCGENCMD.is_file():
        done = subprocess.run([str(_VCGENCMD), "get_throttled"], capture_output=True, text=True, check=False)
        told = done.stdout.strip().partition("=")[2]  # "throttled=0x50000"
    try:
        return int(told, 16)
    except ValueError:
        return None


def _stolen_ms(stat: Path, cores: Sequence[int]) -> float | None:
    """The eighth number behind "cpuN", in clock ticks."""
    try:
        lines = [line.split() for line in stat.read_text().splitlines() if line.startswith("cpu")]
    except OSError:
        return None
    wanted = {f"cpu{core}" for core in cores}
    ticks = [int(fields[8]) for fields in lines if fields[0] in wanted and len(fields) > 8]
    return 1000 * sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None
