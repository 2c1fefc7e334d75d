"""Measures NCNN packs with edgebench, the C++ benchmark."""

import tempfile
from pathlib import Path

from edgewright_export.pack import Pack
from edgewright_train.errors import CheckError, EdgewrightError, InputError
from edgewright_train.schema import parse_record_json

from .building.host import build_host
from .measurement import BenchResult
from .process_group import run_group
from .request import Request


def bench_with_edgebench(pack: Pack, request: Request) -> BenchResult:
    """Builds edgebench when needed.  Raises the error that edgebench reports."""
    binary = build_host()
    with tempfile.TemporaryDirectory(prefix="edgewright-bench-") as scratch:
        written = Path(scratch) / "result.json"
        command = [str(binary), "bench", str(pack.path), *bench_arguments(request), "--json", str(written)]
        done = run_group(command)
        if done.returncode != 0:
            raise edgebench_error(done.returncode, done.stderr)
        return parse_record_json(BenchResult, written.read_text(), source=str(binary))


def bench_arguments(request: Request) -> list[str]:
    """Of `edgebench bench`.  A refused result is a result: its JSON says why."""
    method = request.method
    return [
        f"--threads={','.join(str(count) for count in request.thread_counts)}",
        *(["--mlperf"] if method.mlperf else [f"--runs={method.min_runs}", f"--seconds={method.min_seconds}"]),
        *([f"--image={request.image}"] if request.image else []),
        "--allow-refused",
    ]


def edgebench_error(code: int, stderr: str) -> EdgewrightError:
    """What edgebench said when it ended with `code`, as an error of the same kind."""
    reason = (stderr.strip().splitlines() or [f"exit code {code}"])[-1]
    return (InputError if code == 2 else CheckError)(reason.removeprefix("edgebench: error: "))
