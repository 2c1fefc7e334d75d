"""What `tests/export/test_isolation.py` runs in child processes."""

import os
import signal
import time
from multiprocessing.connection import Connection

from edgewright_export.isolation import reply
from edgewright_train.errors import CheckError, InputError


def answer(connection: Connection, *, number: int) -> None:
    print("computing")
    reply(connection, str(number).encode())


def crash(connection: Connection, *, number: int) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(connection: Connection, *, number: int) -> None:
    os._exit(3)


def hang(connection: Connection, *, number: int) -> None:
    reply(connection, str(os.getpid()).encode())
    time.sleep(600)


def wrong_input(connection: Connection, *, number: int) -> None:
    raise InputError("the reason")


def failed_check(connection: Connection, *, number: int) -> None:
    raise CheckError("the reason")


def defect(connection: Connection, *, number: int) -> None:
    number / 0
