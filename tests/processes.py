"""Whether processes of others have ended."""

import time
from collections.abc import Callable
from pathlib import Path

_TIMEOUT_S = 30


def has_ended(pid: int) -> bool:
    """Waits for it; one that nobody has fetched the exit code of has ended."""
    return holds_soon(lambda: _state(pid) in ("", "Z", "X"))


def holds_soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
