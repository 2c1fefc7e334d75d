"""What heat does to a device: latency minute by minute, for NCNN packs (edgebench sustain)."""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, TextIO

from edgewright_export.pack import open_pack
from edgewright_train.errors import InputError

from .build_host import build_host
from .edgebench import edgebench_error

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


def sustain(folder: Path, threads: int, seconds: float, *, show: TextIO) -> dict[str, Any]:
    """Every minute goes to `show` as it ends.  Raises the error that edgebench reports."""
    pack = open_pack(folder)
    if pack.manifest.target != "ncnn":
        raise InputError(f"{folder}: SUSTAINED= is for ncnn packs, this one is for {pack.manifest.target}")
    with tempfile.TemporaryDirectory(prefix="edgewright-sustain-") as scratch:
        written = Path(scratch) / "curve.json"
        command = [str(build_host()), "sustain", str(folder), f"--threads={threads}", f"--seconds={seconds}"]
        done = subprocess.run([*command, f"--json={written}"], stdout=show, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise edgebench_error(done.returncode, done.stderr)
        curve: dict[str, Any] = json.loads(written.read_text())
        return curve
