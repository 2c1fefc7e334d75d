"""The packs of a model on devices: this machine as `bench.py` measures it, others by edgebench."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edgewright_export.pack import open_pack

from ..bench import Row, bench_packs
from ..device import num_cores
from ..request import Request
from .edgebench import edgebench_on
from .target import Target, require_clock

Ask = Callable[[int, str], Request]  # for a machine with so many cores, and what to call it


def bench_on(target: Target, folders: Sequence[Path], ask: Ask) -> Iterator[Row]:
    """One after the other.  Raises the first error of the device; what was measured before is out already."""
    require_clock(target)
    if target.is_plain_host:
        yield from bench_packs(folders, ask(num_cores(), "this machine"), device=target.name)
        return
    packs = [open_pack(folder) for folder in folders]
    with edgebench_on(target) as edgebench:
        request = ask(edgebench.info.device.num_cores, target.name)
        for pack in packs:
            if pack.manifest.target == "ncnn":
                yield Row(pack, edgebench.bench(pack, request), "", target.name)
            else:
                yield Row(pack, None, f"{pack.manifest.target} does not run on {target.name}", target.name)
