"""Run a command; print its wall time and the largest memory that it and its children held at one time.

    .venv/bin/python tools/peak.py make export WEIGHTS=... TARGET=all

Memory is the proportional set size (shared pages are counted once), sampled five times a second from /proc.
"""

import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    started, peak_kib = time.monotonic(), 0
    process = subprocess.Popen(sys.argv[1:])
    while process.poll() is None:
        peak_kib = max(peak_kib, sum(_pss_kib(pid) for pid in _family(process.pid)))
        time.sleep(0.2)
    seconds = time.monotonic() - started
    print(f"{seconds:.1f} s, peak {peak_kib / 1024:.0f} MiB, exit code {process.returncode}", file=sys.stderr)
    return process.returncode


def _family(root: int) -> list[int]:
    """`root` and all its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # the process has ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    family, todo = [], [root]
    while todo:
        pid = todo.pop()
        family.append(pid)
        todo += children.get(pid, [])
    return family


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main())
