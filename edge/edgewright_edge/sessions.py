"""Measures TFLite and ONNX packs from Python, with the warm-up and the statistics of edgebench.

`serve` runs in a process of its own (`edgewright_export.isolation`), one per pack and thread count, so that a runtime
that crashes takes nothing with it and no runtime's thread pool disturbs another's.  `serve_turns` is for packs that are
measured in turns: one process per pack, whose thread counts wait while others run.
"""

import json
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgewright_export.golden import Case, read_case
from edgewright_export.isolation import Child, reply
from edgewright_export.manifest import Manifest
from edgewright_export.pack import MANIFEST, Pack, digest_file
from edgewright_export.runners import RUNNERS, open_runner, require
from edgewright_train.schema import parse_record_json
from edgewright_train.tasks.decode import decode_outputs, scaled_to_source

from .device import probe_device
from .measurement import BenchResult, ImageSize, PackIdentity, ThreadResult, summarize

Session = Callable[[], object]  # one inference on an input that is already in place
_TIMEOUT_S = 3600


def _litert_session(pack: Path, manifest: Manifest, tensor: NDArray[np.float32], num_threads: int) -> Session:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    interpreter = Interpreter(model_path=str(pack / manifest.entry), num_threads=num_threads)
    interpreter.allocate_tensors()
    laid_out = tensor.transpose(0, 2, 3, 1) if manifest.input.layout == "nhwc" else tensor
    if manifest.input.steps:
        laid_out = manifest.input.steps.to_codes(laid_out)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(laid_out))
    return interpreter.invoke


def _onnx_session(pack: Path, manifest: Manifest, tensor: NDArray[np.float32], num_threads: int) -> Session:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(pack / manifest.entry), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in manifest.outputs]
    return lambda: session.run(names, {manifest.input.name: tensor})


SESSIONS = {"tflite": _litert_session, "onnx": _onnx_session}


def bench_in_python(pack: Pack, thread_counts: Sequence[int], *, warmup: int, runs: int) -> BenchResult:
    """Raises `InputError` when the runtime is not installed, `CheckError` when it crashes."""
    manifest = pack.manifest
    _, package, extra = RUNNERS[manifest.target]
    require(package, extra)
    height, width = _first_case(pack.path, manifest).source_bgr.shape[:2]
    return BenchResult(
        pack=PackIdentity(
            path=str(pack.path),
            model=manifest.model,
            target=manifest.target,
            precision=manifest.precision,
            manifest_sha256=digest_file(pack.path / MANIFEST),
        ),
        runtime=f"{package} {version(package)}",
        device=probe_device(),
        image=ImageSize(width=width, height=height),
        warmup=warmup,
        runs=runs,
        results=tuple(_measure_apart(pack, threads, warmup=warmup, runs=runs) for threads in thread_counts),
    )


def _measure_apart(pack: Pack, threads: int, *, warmup: int, runs: int) -> ThreadResult:
    arguments = {
        "pack": str(pack.path),
        "manifest": pack.manifest.model_dump_json(),
        "threads": threads,
        "warmup": warmup,
        "runs": runs,
    }
    with Child(f"{__name__}:serve", arguments, what=f"the {pack.manifest.target} runtime", log=None) as child:
        return parse_record_json(ThreadResult, child.receive(_TIMEOUT_S), source=pack.manifest.target)


def serve(connection: Connection, *, pack: str, manifest: str, threads: int, warmup: int, runs: int) -> None:
    """The child's side: measure both stages and reply with the `ThreadResult`."""
    folder, parsed = Path(pack), Manifest.model_validate_json(manifest)
    preprocess = parsed.input.preprocess
    case = _first_case(folder, parsed)
    placed = preprocess.placement((case.source_bgr.shape[1], case.source_bgr.shape[0]))
    session = SESSIONS[parsed.target](folder, parsed, preprocess.normalise(case.network_image), threads)
    runner = open_runner(folder, parsed, num_threads=threads)

    def image_to_result() -> object:
        maps = runner(preprocess.network_image(case.source_bgr))
        return scaled_to_source(decode_outputs(maps, parsed.decode), placed)

    result = ThreadResult(
        threads=threads,
        inference_ms=summarize(_measure(session, warmup, runs)),
        image_to_result_ms=summarize(_measure(image_to_result, warmup, runs)),
    )
    reply(connection, result.model_dump_json().encode())


def serve_turns(connection: Connection, *, pack: str, manifest: str, thread_counts: Sequence[int]) -> None:
    """The child's side of measuring in turns: reply when loaded, then to each [threads, warmup, runs] with samples.

    Both are JSON lists; the samples are milliseconds of the network alone.
    """
    folder, parsed = Path(pack), Manifest.model_validate_json(manifest)
    case = _first_case(folder, parsed)
    tensor = parsed.input.preprocess.normalise(case.network_image)
    sessions = {threads: SESSIONS[parsed.target](folder, parsed, tensor, threads) for threads in thread_counts}
    reply(connection, b"")
    while True:
        try:
            threads, warmup, runs = json.loads(connection.recv_bytes())
        except (EOFError, ConnectionResetError):
            return
        reply(connection, json.dumps(_measure(sessions[threads], warmup, runs)).encode())


def _measure(call: Session, warmup: int, runs: int) -> list[float]:
    """Milliseconds of each call after the warm-up."""
    for _ in range(warmup):
        call()
    samples = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        call()
        samples.append((time.perf_counter_ns() - start) / 1e6)
    return samples


def _first_case(pack: Path, manifest: Manifest) -> Case:
    return read_case(pack / manifest.golden.cases[0], tuple(output.name for output in manifest.outputs))
