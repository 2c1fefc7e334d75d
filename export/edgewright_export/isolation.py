"""Native converters and runtimes in processes of their own: when one crashes or hangs, this one reports it.

The child's output goes to a log file; calls and results travel over a pipe as JSON text or safetensors bytes, never as
pickles, so that a process corrupted by a hostile model cannot make the parent execute anything.
"""

import importlib
import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import numpy as tensors

from edgewright_train.errors import CheckError, EdgewrightError, InputError

from .manifest import Manifest

_START_TIMEOUT_S = 120
_RUN_TIMEOUT_S = 120


class Child:
    """A spawned process that runs `module:function(connection, **arguments)`.  A context manager: leaving ends it."""

    def __init__(self, target: str, arguments: Mapping[str, Any], *, what: str, log: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._what, self._hint = what, f" (log: {log})" if log else ""
        self._process = context.Process(
            target=_child_main, args=(theirs, target, json.dumps(arguments), str(log or os.devnull))
        )
        self._process.daemon = True
        self._process.start()
        theirs.close()

    def send(self, message: bytes) -> None:
        """Raises `CheckError` when the child is gone."""
        try:
            self._connection.send_bytes(message)
        except (BrokenPipeError, ConnectionResetError):
            raise self._gone() from None

    def receive(self, timeout_s: float) -> bytes:
        """The next message.  Raises the child's own error, or `CheckError` when it crashed or did not answer."""
        if not self._connection.poll(timeout_s):
            raise CheckError(f"{self._what} did not answer within {timeout_s:.0f} s{self._hint}")
        try:
            status, message = self._connection.recv_bytes(), self._connection.recv_bytes()
        except (EOFError, ConnectionResetError):
            raise self._gone() from None
        if status == b"ok":
            return message
        kind = {b"input": InputError, b"check": CheckError}.get(status)
        if kind is None:
            raise CheckError(f"{self._what} failed: {message.decode()}{self._hint}")
        raise kind(message.decode())

    def _gone(self) -> CheckError:
        self._process.join(10)
        code = self._process.exitcode
        how = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with {code}"
        return CheckError(f"{self._what} {how}{self._hint}")

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._process.join(0.2)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


class IsolatedRunner:
    """A `Runner` whose runtime lives in a process of its own."""

    def __init__(self, pack: Path, manifest: Manifest, *, num_threads: int = 1, log: Path | None = None) -> None:
        arguments = {"pack": str(pack), "manifest": manifest.model_dump_json(), "num_threads": num_threads}
        self._child = Child(
            "edgewright_export.isolation:serve_runner", arguments, what=f"the {manifest.target} runtime", log=log
        )

    def __enter__(self) -> "IsolatedRunner":
        self._child.__enter__()
        self._child.receive(_START_TIMEOUT_S)
        return self

    def __exit__(self, *error: object) -> None:
        self._child.__exit__(*error)

    def __call__(self, network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self._child.send(tensors.save({"image": np.ascontiguousarray(network_image)}))
        return tensors.load(self._child.receive(_RUN_TIMEOUT_S))


def serve_runner(connection: Connection, *, pack: str, manifest: str, num_threads: int) -> None:
    """The child's side of `IsolatedRunner`: one image in, one set of maps out, until the pipe closes."""
    from .runners import open_runner  # noqa: PLC0415

    parsed = Manifest.model_validate_json(manifest)
    run = open_runner(Path(pack), parsed, num_threads=num_threads)
    reply(connection, b"")
    while True:
        try:
            request = connection.recv_bytes()
        except (EOFError, ConnectionResetError):
            return
        outputs = run(tensors.load(request)["image"])
        reply(connection, tensors.save({name: np.ascontiguousarray(value) for name, value in outputs.items()}))


def reply(connection: Connection, message: bytes, *, status: bytes = b"ok") -> None:
    """Answer the parent's `receive`."""
    connection.send_bytes(status)
    connection.send_bytes(message)


def _child_main(connection: Connection, target: str, arguments: str, log: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    _redirect_output(log)
    module, _, function = target.partition(":")
    try:
        getattr(importlib.import_module(module), function)(connection, **json.loads(arguments))
    except EdgewrightError as error:
        reply(connection, str(error).encode(), status=b"input" if isinstance(error, InputError) else b"check")
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        reply(connection, f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0].encode(), status=b"error")


def _redirect_output(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
