"""Programs that start others, of which nothing is left however they end."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

Streams = tuple[str, str]
Wait = Callable[[Callable[[float | None], Streams]], Streams]


def run_group(
    command: Sequence[str],
    *,
    folder: str | None = None,
    show: TextIO | None = None,
    wait: Wait = lambda communicate: communicate(None),
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run`, with nothing on standard input; with `show`, standard output goes there.

    When it ends, or when `wait` is interrupted, it is killed with all that it started.  `wait` may call what it is
    given, which takes a time limit, more than once.
    """
    with _signals_later() as now:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=show or subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        with process:
            try:
                now()
                stdout, stderr = wait(lambda timeout_s: process.communicate(timeout=timeout_s))
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return subprocess.CompletedProcess(command, process.returncode, stdout or "", stderr)


@contextmanager
def _signals_later() -> Iterator[Callable[[], None]]:
    """SIGINT and SIGTERM do what they do when the function is called: a process that is just starting would be lost."""
    if threading.current_thread() is not threading.main_thread():  # which no signal interrupts
        yield lambda: None
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}

    def now() -> None:
        while before:
            signal.signal(*before.popitem())
        while came:
            signal.raise_signal(came.pop())

    try:
        yield now
    finally:
        now()
