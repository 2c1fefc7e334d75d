"""Counts the ARM instructions of an inference under QEMU, where no such CPU can be reached.

A count is exact and repeatable, and it is not a time: instructions differ in what they cost, and QEMU has no caches.
"""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

from edgewright_export.pack import Pack
from edgewright_train.errors import CheckError, InputError

from .advice import Wording
from .build_count import QEMU, Counter, build_count
from .costs import Cost, Costs

CPUS = ("cortex-a53", "cortex-a72", "cortex-a76")  # Raspberry Pi 3, 4 and 5
_TIMEOUT_S = 1800

Stage = Literal["preprocess", "network", "decode"]
STAGES: tuple[Stage, ...] = get_args(Stage)

Progress = Callable[[int, int], None]  # packs done, packs in all


def wording(cpu: str) -> Wording:
    """How counts are spoken of."""
    return Wording(
        unit=f"M instructions (QEMU {cpu}; not a time)",
        lowest="the fewest",
        level="within 2 % of the fewest",
        less="executes {:.2f}x fewer instructions",
        more="executes {:.2f}x more instructions",
        equal="executes as many instructions as",
        noise="within 2 %",
    )


def count_instructions(packs: Sequence[Pack], cpu: str, progress: Progress) -> Costs:
    """Of one inference of each NCNN pack, on one thread, in millions; packs for other runtimes are not counted.

    Raises `InputError` when the cross compiler or QEMU is missing, `CheckError` when the program crashes.
    """
    counted = [pack for pack in packs if pack.manifest.target == "ncnn"]
    reason = f"only ncnn is built for {cpu}"
    uncounted = {pack.path: reason for pack in packs if pack.manifest.target != "ncnn"}
    if not counted:
        return Costs((), uncounted)
    counter = build_count()
    costs = []
    for number, pack in enumerate(counted):
        progress(number, len(counted))
        count = instructions_of(pack, cpu, counter)
        costs.append(Cost(pack.path, 1, (count / 1e6,), count / 1e6))
    return Costs(tuple(costs), uncounted)


def instructions_of(pack: Pack, cpu: str, counter: Counter, stage: Stage = "network") -> int:
    """Of one stage of an NCNN pack on its first golden image, on one thread: the network alone, or what surrounds it.

    Raises `CheckError` when the program crashes.
    """
    # The first run may also do what is done once.
    return _executed(counter, cpu, pack, stage, runs=3) - _executed(counter, cpu, pack, stage, runs=2)


def _executed(counter: Counter, cpu: str, pack: Pack, stage: Stage, *, runs: int) -> int:
    """All instructions of a process that loads the pack and runs the stage so often."""
    with tempfile.TemporaryDirectory(prefix="edgewright-count-") as scratch:
        written = Path(scratch) / "count"
        plugin = f"./{counter.plugin.name},out={written}"  # commas separate the plugin's arguments
        program = [str(counter.program), str(pack.path.resolve()), str(runs), stage]
        command = [QEMU, "-cpu", cpu, "-plugin", plugin, *program]
        folder = counter.plugin.parent
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise CheckError(f"{pack.path}: {runs} runs under {QEMU} took longer than {_TIMEOUT_S} s") from None
        if done.returncode == 0 and written.is_file():
            return int(written.read_text())
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise (InputError if done.returncode == 2 else CheckError)(f"{pack.path}: {reason}")
