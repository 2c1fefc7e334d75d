"""TFLite and ONNX packs opened to be timed: in the process of whoever asks, or in one that is measured in turns."""

import json
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from edgewright_export.golden import Case, read_case
from edgewright_export.isolation import reply
from edgewright_export.manifest import Manifest
from edgewright_export.runners import TensorRunner, open_runner

TIMED_TARGETS = ("tflite", "onnx")  # whose runners have `infer`


def open_session(pack: Path, manifest: Manifest, threads: int) -> TensorRunner:
    """Raises `InputError` when the runtime is not installed."""
    assert manifest.target in TIMED_TARGETS
    return cast(TensorRunner, open_runner(pack, manifest, num_threads=threads))


def first_case(pack: Path, manifest: Manifest) -> Case:
    """The first golden case: what is measured with, unless there is an image file."""
    return read_case(pack / manifest.golden.cases[0], tuple(output.name for output in manifest.outputs))


def serve_turns(connection: Connection, *, pack: str, manifest: str, thread_counts: Sequence[int]) -> None:
    """The child's side of measuring in turns: reply when loaded, then to each [threads, warmup, runs] with samples.

    Both are JSON lists; the samples are milliseconds of the network alone.
    """
    folder, parsed = Path(pack), Manifest.model_validate_json(manifest)
    tensor = parsed.input.preprocess.normalise(first_case(folder, parsed).network_image)
    sessions = {threads: open_session(folder, parsed, threads) for threads in thread_counts}
    reply(connection, b"")
    while True:
        try:
            threads, warmup, runs = json.loads(connection.recv_bytes())
        except (EOFError, ConnectionResetError):
            return
        samples = []
        for number in range(warmup + runs):
            began = time.perf_counter_ns()
            sessions[threads].infer(tensor)
            if number >= warmup:
                samples.append((time.perf_counter_ns() - began) / 1e6)
        reply(connection, json.dumps(samples).encode())
