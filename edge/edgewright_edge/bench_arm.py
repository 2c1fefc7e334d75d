"""`edgewright-bench-arm`: ARM instructions of one inference, for each NCNN pack of a network, counted under QEMU."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import InputError

if TYPE_CHECKING:
    from edgewright_export.pack import Pack

Counts = dict[str, dict[str, int]]  # precision -> stage -> instructions

_DESCRIPTION = """Build the NCNN runner for 64-bit ARM, run each NCNN pack of a network under QEMU as the given CPU, and
show the instructions of one inference of the network alone, on one thread; with --stages also those of the
pre-processing, and of decoding and suppression, of the pack's first golden image.  A count is exact and repeatable, and
it is not a time."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 counted, 1 a damaged pack or a program that crashed, 2 wrong input or a missing tool."""
    parser = Parser(
        prog="edgewright-bench-arm",
        description=_DESCRIPTION,
        epilog="example: edgewright-bench-arm --packs build/yolo-fastestv2 --cpu cortex-a72 --json out.json",
    )
    parser.add_argument("--packs", type=Path, help="a folder of packs; without it, only build what counting needs")
    parser.add_argument("--cpu", default="cortex-a76", help="cortex-a53, cortex-a72 or cortex-a76 (default)")
    parser.add_argument("--stages", action="store_true", help="also what surrounds the network; JSON is then by stage")
    parser.add_argument("--json", help="also write precision -> instructions there; - for standard output instead")
    return run_command(parser, _bench_arm, argv)


def _bench_arm(arguments: argparse.Namespace) -> int:
    from edgewright_train.progress import counted  # noqa: PLC0415 (keeps --help fast)

    from .tune.build_count import build_count  # noqa: PLC0415
    from .tune.instructions import CPUS, STAGES, instructions_of  # noqa: PLC0415

    if arguments.cpu not in CPUS:
        raise InputError(f"CPU={arguments.cpu}: unknown; choose from: {', '.join(CPUS)}")
    packs = _ncnn_packs(arguments.packs) if arguments.packs else {}
    counter = build_count()
    stages = STAGES if arguments.stages else ("network",)
    counts: Counts = {precision: {} for precision in packs}
    with counted("counting instructions") as progress:
        for number, (precision, stage) in enumerate(product(packs, stages)):
            progress(number, len(packs) * len(stages))
            counts[precision][stage] = instructions_of(packs[precision], arguments.cpu, counter, stage)
    if packs:
        record = counts if arguments.stages else {precision: each["network"] for precision, each in counts.items()}
        emit(_text(packs, counts, arguments.cpu), record, arguments.json)
    return 0


def _ncnn_packs(folder: Path) -> dict[str, "Pack"]:
    """By precision, one of each.

    Raises `InputError` unless they are of one checkpoint at one size, `CheckError` for a damaged one.
    """
    from edgewright_export.manifest import PRECISIONS  # noqa: PLC0415
    from edgewright_export.pack import MANIFEST, open_pack  # noqa: PLC0415

    from .tune.packs import check_alike  # noqa: PLC0415

    every = [open_pack(place.parent) for place in sorted(folder.glob(f"*/{MANIFEST}"))]
    packs = [pack for pack in every if pack.manifest.target == "ncnn"]
    if not packs:
        raise InputError(f"PACKS={folder}: no NCNN packs in it; make export TARGET=ncnn PRECISION=fp32,fp16 writes two")
    for other in packs[1:]:
        check_alike(packs[0], other)
    found = {precision: [pack for pack in packs if pack.manifest.precision == precision] for precision in PRECISIONS}
    if doubled := next((same for same in found.values() if len(same) > 1), None):
        raise InputError(f"PACKS={folder}: {doubled[0].path.name} and {doubled[1].path.name} have the same precision")
    return {precision: same[0] for precision, same in found.items() if same}


def _text(packs: Mapping[str, "Pack"], counts: Counts, cpu: str) -> str:
    manifest = next(iter(packs.values())).manifest
    size = manifest.input.preprocess
    lines = [f"{manifest.model}, {size.width}x{size.height}: instructions per inference (QEMU {cpu}; not a time)"]
    for precision, stages in counts.items():
        figures = "".join(f"{count / 1e6:9.2f} M{_named(stage, stages)}" for stage, count in stages.items())
        lines.append(f"  {packs[precision].name:<14}{figures}")
    return "\n".join(lines)


def _named(stage: str, stages: Mapping[str, int]) -> str:
    return f" {stage}" if len(stages) > 1 else ""


if __name__ == "__main__":
    sys.exit(main())
