"""`edgewright-verify`: is this pack what was written, and does it still compute what its source computed?"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from edgewright_train.command import Parser, emit, run_command

_PARTS = {"detect": "detections", "classify": "images", "segment": "pixels"}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 proven, 1 a check did not hold, 2 not a pack or a runtime is missing."""
    parser = Parser(
        prog="edgewright-verify",
        description="Check every byte of a pack, then run its files on the golden vectors and compare.",
        epilog="example: edgewright-verify --pack build/yolo-fastestv2/ncnn-fp16",
    )
    parser.add_argument("--pack", required=True, type=Path, help="the pack's folder")
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 65), metavar="N", help="of the runtime")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _verify, argv)


def _verify(arguments: argparse.Namespace) -> int:
    from .pack import open_pack  # noqa: PLC0415 (keeps --help fast)
    from .verify import verify_golden  # noqa: PLC0415

    pack = open_pack(arguments.pack)
    verdict = verify_golden(pack, num_threads=arguments.threads)
    line = (
        f"{pack.path}: proven. {len(pack.manifest.files)} files intact; {verdict.num_images} golden cases: "
        f"largest error {verdict.max_error:.1e}, smallest cosine {verdict.min_cosine:.6f}, "
        f"{verdict.num_agreeing} of {verdict.num_parts} {_PARTS[pack.manifest.task]} equal"
    )
    emit(line, {"pack": str(pack.path), "target": pack.manifest.target, **asdict(verdict)}, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
