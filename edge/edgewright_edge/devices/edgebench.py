"""edgebench on a device: copied there with a pack, run, and its results fetched."""

import re
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pydantic import ConfigDict

from edgewright_export.pack import MANIFEST, SIDECAR, Pack, digest_file
from edgewright_train.errors import CheckError, EdgewrightError, InputError
from edgewright_train.schema import Record, parse_record_json

from ..edgebench import bench_arguments, edgebench_error
from ..measurement import BenchResult, Device, PackIdentity
from ..request import Request
from .binary import binary_for
from .connection import IMAGES, OUT, PACK, PROGRAM, Connection, Finished
from .remote import last_line
from .target import Target, connect

_RESULT = "result.json"
_CANNOT_START = (126, 127)  # as shells say it
# Some shells take a program of another architecture for a script.
_OTHER_FORMAT = re.compile(
    r"exec format error|invalid elf|cannot execute|not executable|syntax error|\x7felf", re.IGNORECASE
)
_SIGNALS = {128 + each: each.name for each in signal.Signals}


class Info(Record):
    """What `edgebench info --json` says of the device; what it says of itself is left out."""

    model_config = ConfigDict(**(Record.model_config | {"extra": "ignore"}))

    device: Device


class VerifiedCase(Record):
    """One golden case; `problem` is empty when it holds.  None: not a number."""

    name: str
    max_error: float | None
    cosine: float | None
    num_agreeing: int
    num_parts: int
    problem: str


class Verification(Record):
    """What `edgebench verify --json` says."""

    holds: bool
    pack: PackIdentity
    cases: tuple[VerifiedCase, ...]


@dataclass(frozen=True)
class DeviceEdgebench:
    """edgebench in the folder of a device.  Errors name the device."""

    target: Target
    connection: Connection
    info: Info

    def put_pack(self, pack: Pack) -> None:
        """The one that the following commands are about."""
        _require_ncnn(pack, self.target)
        names = (MANIFEST, SIDECAR, *(file.path for file in pack.manifest.files))
        self.connection.empty((PACK, IMAGES, OUT))
        self.connection.put({f"{PACK}/{name}": pack.path / name for name in names})

    def bench(self, pack: Pack, request: Request) -> BenchResult:
        self.put_pack(pack)
        arguments = bench_arguments(request)
        if request.image is not None:
            name = f"{IMAGES}/0{request.image.suffix.lower()}"
            self.connection.put({name: request.image})
            arguments = [f"--image={name}" if each.startswith("--image=") else each for each in arguments]
        self._checked("bench", PACK, *arguments, "--json", f"{OUT}/{_RESULT}")
        result = parse_record_json(BenchResult, self._fetched_result(), source=f"{self.target.name}: {_RESULT}")
        self._require_same(pack, result.pack)
        return result.model_copy(update={"pack": result.pack.model_copy(update={"path": str(pack.path)})})

    def verify(self, pack: Pack, num_threads: int) -> Verification:
        """The golden cases that do not hold are in it.  Raises `CheckError` for damaged files."""
        self.put_pack(pack)
        done = self._run("verify", PACK, f"--threads={num_threads}", "--json")
        if done.code not in (0, 1) or not done.stdout.strip():
            raise self._error(done)
        verification = parse_record_json(Verification, done.stdout, source=f"{self.target.name}: edgebench verify")
        self._require_same(pack, verification.pack)
        return verification

    def find(self, images: Mapping[str, Path], arguments: list[str], into: Path) -> Path:
        """Run the pack on images, by their names there; its results, in `into`."""
        self.connection.empty((IMAGES, OUT))
        self.connection.put({f"{IMAGES}/{name}": path for name, path in images.items()})
        self._checked("run", PACK, IMAGES, *arguments, "--json", f"{OUT}/{_RESULT}")
        self.connection.fetch(into)
        return self._result_in(into)

    def sustain(self, pack: Pack, num_threads: int, seconds: float, show: TextIO) -> str:
        """The JSON of the curve; every minute goes to `show` as it ends."""
        self.put_pack(pack)
        options = [f"--threads={num_threads}", f"--seconds={seconds}", "--json", f"{OUT}/{_RESULT}"]
        self._checked("sustain", PACK, *options, show=show, further_s=seconds)
        return self._fetched_result()

    def _fetched_result(self) -> str:
        with tempfile.TemporaryDirectory(prefix="edgewright-device-") as scratch:
            self.connection.fetch(Path(scratch))
            return self._result_in(Path(scratch)).read_text(errors="replace")

    def _result_in(self, folder: Path) -> Path:
        if not (folder / _RESULT).is_file():
            raise CheckError(f"{self.target.name}: edgebench wrote no results")
        return folder / _RESULT

    def _require_same(self, pack: Pack, measured: PackIdentity) -> None:
        if measured.manifest_sha256 != digest_file(pack.path / MANIFEST):
            raise CheckError(f"{self.target.name}: ran another pack than {pack.path}, which was changed meanwhile")

    def _checked(self, *arguments: str, show: TextIO | None = None, further_s: float = 0.0) -> Finished:
        done = self._run(*arguments, show=show, further_s=further_s)
        if done.code != 0:
            raise self._error(done)
        return done

    def _run(self, *arguments: str, show: TextIO | None = None, further_s: float = 0.0) -> Finished:
        command = [*self.target.runner, f"./{PROGRAM}", *arguments]
        return self.connection.run(command, timeout_s=self.target.timeout_s + further_s, show=show)

    def _error(self, done: Finished) -> EdgewrightError:
        return _failure(done, self.target.name)


@contextmanager
def edgebench_on(target: Target) -> Iterator[DeviceEdgebench]:
    """Connect, choose and copy the program; on leaving nothing of it stays there.

    Raises `InputError` when the device cannot be reached, has no room, or does not run the program.
    """
    with connect(target) as connection:
        architecture = target.architecture or connection.architecture
        try:
            binary = binary_for(architecture)
        except InputError as error:
            raise InputError(f"{target.name}: {error}") from None
        connection.put({PROGRAM: binary})
        command = [*target.runner, f"./{PROGRAM}", "info", "--json"]
        done = connection.run(command, timeout_s=target.timeout_s)
        if done.code != 0:
            raise _start_failure(done, target, connection, architecture)
        info = parse_record_json(Info, done.stdout, source=f"{target.name}: edgebench info")
        yield DeviceEdgebench(target, connection, info)


def _start_failure(done: Finished, target: Target, connection: Connection, architecture: str) -> EdgewrightError:
    """Why not even `edgebench info` runs."""
    line = last_line(done.stderr) or f"exit code {done.code}"
    if done.code in _SIGNALS and done.code not in _CANNOT_START:
        return _failure(done, target.name)
    what = f"{target.name}: edgebench for {architecture} does not start"
    if _OTHER_FORMAT.search(done.stderr):
        said = f"uname -m says {connection.architecture}"
        return InputError(f"{what}: wrong architecture; {said}: give the right one in a lab.toml, architecture =")
    hint = ""
    if "ermission denied" in line:
        hint = f"; does {connection.folder} allow programs (noexec)? Give another folder = in a lab.toml"
    elif done.code in _CANNOT_START:
        hint = "; it is not there, or lacks a library or the loader that it needs"
    return InputError(f"{what}: {line}{hint}")


def _failure(done: Finished, name: str) -> EdgewrightError:
    if done.code in _SIGNALS:
        return CheckError(f"{name}: edgebench was killed there by {_SIGNALS[done.code]}")
    if done.code in (1, 2):
        error = edgebench_error(done.code, done.stderr)
        return type(error)(f"{name}: {error}")
    return CheckError(f"{name}: edgebench ended with {done.code}: {last_line(done.stderr)}".removesuffix(": "))


def _require_ncnn(pack: Pack, target: Target) -> None:
    if pack.manifest.target != "ncnn":
        raise InputError(f"{pack.path}: {target.name} runs ncnn packs, this one is for {pack.manifest.target}")
