"""What every `edgewright-*` command shares: exit codes, one-line errors, and values given as `SIZE=352x352`."""

import argparse
import errno
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from .atomic import atomic_file
from .errors import EdgewrightError, InputError

Main = Callable[[argparse.Namespace], int]


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what Ctrl-C would clean up is cleaned up."""


class Parser(argparse.ArgumentParser):
    """`ArgumentParser` that treats an empty value as not given, so that `make` can pass every variable on."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As `ArgumentParser.parse_known_args`, after dropping `--option=` with nothing behind the sign."""
        given = sys.argv[1:] if args is None else list(args)
        kept = [a for a in given if not (a.startswith("--") and a.endswith("=") and a.count("=") == 1)]
        return super().parse_known_args(kept, namespace)


def run_command(parser: Parser, main: Main, argv: Sequence[str] | None) -> int:
    """Parse, run, and turn the errors a user can act on into one line and an exit code."""
    arguments = parser.parse_args(argv)
    try:
        with _terminated_as_interrupted():
            return main(arguments)
    except EdgewrightError as error:
        _say(f"{parser.prog}: error: {error}")
        return error.exit_code
    except Terminated:
        _say(f"{parser.prog}: terminated")
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        _say(f"{parser.prog}: interrupted")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _MACHINE_ERRORS:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"{parser.prog}: error: {where}{os.strerror(error.errno)}", file=sys.stderr)
        return 2


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Within, SIGTERM raises `Terminated`, unless somebody has chosen already what it does."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def raise_it(number: int, frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, raise_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _say(text: str) -> None:
    """Of several processes that find the same, one says it."""
    if os.environ.get("RANK", "0") == "0":
        print(text, file=sys.stderr)


def share_cores() -> None:
    """Let OpenMP threads sleep while they wait.  Call before torch is imported.

    By default they spin: on two cores shared with other work, a minute of training did 20 steps instead of 130.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def emit(text: str, record: Any, destination: str | None) -> None:
    """Show a result: `text` for people, or `record` as JSON where `destination` is `-`; a path gets the JSON too."""
    if destination and destination != "-":
        with atomic_file(Path(destination)) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2) if destination == "-" else text)


# Conditions of the user's machine, not defects: no space, no permission, a read-only or missing place.
_MACHINE_ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EFBIG,
)


def size_wxh(text: str) -> tuple[int, int]:
    """`"352x256"` -> (width, height) in pixels; one number means a square."""
    parts = text.lower().split("x")
    if len(parts) not in (1, 2) or not all(p.isdecimal() and 0 < int(p) <= 8192 for p in parts):
        raise InputError(f"SIZE={text}: give WIDTHxHEIGHT in pixels, for example 352x352")
    return int(parts[0]), int(parts[-1])
