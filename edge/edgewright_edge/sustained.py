"""What heat does to a device: latency minute by minute, for NCNN packs (edgebench sustain)."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any, TextIO

from edgewright_export.pack import open_pack
from edgewright_train.errors import InputError

from .building.host import build_host
from .device import num_cores
from .devices.edgebench import edgebench_on
from .devices.target import Target, require_clock
from .edgebench import edgebench_error
from .process_group import run_group
from .request import thread_counts

_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_MOST_SECONDS = 86_400


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `30m` or `1.5h`.  Raises `InputError` for anything else, and for more than a day."""
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not 1 <= seconds <= _MOST_SECONDS:
        raise InputError(f"SUSTAINED={text}: give a time such as 90s, 30m or 2h, from 1s to 24h")
    return seconds


def sustain(target: Target, folder: Path, threads: str, seconds: float, *, show: TextIO) -> dict[str, Any]:
    """Every minute goes to `show` as it ends.  Raises the error that edgebench reports."""
    require_clock(target)
    pack = open_pack(folder)
    if pack.manifest.target != "ncnn":
        raise InputError(f"{folder}: SUSTAINED= is for ncnn packs, this one is for {pack.manifest.target}")
    if not target.is_plain_host:
        with edgebench_on(target) as edgebench:
            count = thread_counts(threads, edgebench.info.device.num_cores, target.name)[0]
            return _curve(edgebench.sustain(pack, count, seconds, show))
    count = thread_counts(threads, num_cores())[0]
    with tempfile.TemporaryDirectory(prefix="edgewright-sustain-") as scratch:
        written = Path(scratch) / "curve.json"
        command = [str(build_host()), "sustain", str(folder), f"--threads={count}", f"--seconds={seconds}"]
        done = run_group([*command, f"--json={written}"], show=show)
        if done.returncode != 0:
            raise edgebench_error(done.returncode, done.stderr)
        return _curve(written.read_text())


def _curve(text: str) -> dict[str, Any]:
    curve: dict[str, Any] = json.loads(text)
    return curve
