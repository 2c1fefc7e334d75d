"""Measures packs whose runtime has a Python interface: TFLite and ONNX."""

from collections.abc import Sequence
from importlib.metadata import version

from edgewright_export.pack import MANIFEST, Pack, digest_file
from edgewright_export.runners import RUNNERS, require
from edgewright_train.vision.read_image import read_image

from ..device import probe_device
from ..measurement import BenchResult, ImageSize, PackIdentity, Stages, ThreadResult, summarize
from ..request import Request
from ..sessions import first_case
from .cores import fastest_cores, find_cores
from .replicate import Measured, measure_apart
from .verdict import REPLICATES, find_problems


def bench_in_python(pack: Pack, request: Request) -> BenchResult:
    """Raises `InputError` when the runtime is not installed, `CheckError` when it crashes."""
    manifest = pack.manifest
    _, package, extra = RUNNERS[manifest.target]
    require(package, extra)
    image = read_image(request.image) if request.image else first_case(pack.path, manifest).source_bgr
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
        image=ImageSize(width=image.shape[1], height=image.shape[0]),
        method=request.method,
        results=tuple(_thread_result(pack, threads, request) for threads in request.thread_counts),
    )


def _thread_result(pack: Pack, threads: int, request: Request) -> ThreadResult:
    cores, method = fastest_cores(find_cores(), threads), request.method
    every = [
        measure_apart(pack, threads, cores, runs=method.min_runs, seconds=method.min_seconds, image=request.image)
        for _ in range(REPLICATES)
    ]
    replicates = tuple(measured.replicate for measured in every)
    least_ms = min(min(run) for measured in every for run in measured.runs)
    problems = find_problems(threads, cores, replicates, least_ms)
    return ThreadResult(
        threads=threads,
        cores=cores,
        valid=not problems,
        problems=tuple(problems),
        stages_ms=_stages(every),
        replicates=replicates,
    )


def _stages(every: Sequence[Measured]) -> Stages:
    runs = [run for measured in every for run in measured.runs]
    decode = [sample for measured in every for sample in measured.image_decode_ms]
    preprocess, inference, postprocess = (summarize(samples) for samples in zip(*runs, strict=True))
    return Stages(
        image_decode=summarize(decode) if decode else None,
        preprocess=preprocess,
        inference=inference,
        postprocess=postprocess,
        image_to_result=summarize([sum(run) for run in runs]),
    )
