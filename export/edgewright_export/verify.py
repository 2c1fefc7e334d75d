"""Run a pack's files, in their own runtime and process, against the source's results."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgewright_train.errors import CheckError

from .golden import Case, read_case
from .isolation import IsolatedRunner
from .manifest import Tolerance
from .pack import Pack
from .parity import Comparison, compare


@dataclass(frozen=True)
class Verdict:
    """The worst over all images; every check held, or there would be no verdict (`Comparison` says what is counted)."""

    num_images: int
    max_error: float
    min_cosine: float
    num_agreeing: int
    num_parts: int


def verify_golden(pack: Pack, *, further: Iterable[tuple[str, Case]] = (), num_threads: int = 1) -> Verdict:
    """Repeat the golden cases, and `further` ones.  Raises `CheckError` naming the first that does not hold."""
    names = tuple(output.name for output in pack.manifest.outputs)
    cases = {name: read_case(pack.path / name, names) for name in pack.manifest.golden.cases}
    for name, case in cases.items():
        if not np.array_equal(pack.manifest.input.preprocess.network_image(case.source_bgr), case.network_image):
            raise CheckError(f"{pack.path}: {name}: pre-processing does not reproduce the network image")
    return verify_cases(pack, [*cases.items(), *further], num_threads=num_threads)


def verify_cases(
    pack: Pack, cases: Iterable[tuple[str, Case]], *, num_threads: int = 1, tolerance: Tolerance | None = None
) -> Verdict:
    """Run each (name, case).  Raises `CheckError` naming the first outside `tolerance`, by default the manifest's."""
    results: list[Comparison] = []
    tolerance, decode = tolerance or pack.manifest.golden.tolerance, pack.manifest.decode
    with IsolatedRunner(pack.path, pack.manifest, num_threads=num_threads) as run:
        for name, case in cases:
            result = compare(case.maps, run(case.network_image), decode, tolerance)
            if result.problem:
                raise CheckError(f"{pack.name} does not equal its source on {name}: {result.problem}")
            results.append(result)
    return Verdict(
        num_images=len(results),
        max_error=max(result.max_error for result in results),
        min_cosine=min(result.cosine for result in results),
        num_agreeing=sum(result.num_agreeing for result in results),
        num_parts=sum(result.num_parts for result in results),
    )
