"""`edgewright-device-verify`: does a pack compute on a device what its source computed?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_train.command import Parser, emit, run_command
from edgewright_train.errors import CheckError

from .choose import add_device_options, chosen_targets
from .target import Target

if TYPE_CHECKING:
    from .edgebench import Verification

_PARTS = {"detect": "detections", "classify": "images", "segment": "pixels"}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 proven, 1 a check did not hold or a device failed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-device-verify",
        description="Copy a pack to devices and repeat its golden vectors there, with edgebench.",
        epilog="example: edgewright-device-verify --pack build/yolo-fastestv2/ncnn-fp16 --device ssh://pi@10.0.0.5",
    )
    parser.add_argument("--pack", required=True, type=Path, help="a pack's folder, for ncnn")
    add_device_options(parser)
    parser.add_argument("--threads", type=int, default=1, choices=range(1, 65), metavar="N", help="of the network")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _verify, argv)


def _verify(arguments: argparse.Namespace) -> int:
    targets = chosen_targets(arguments)
    from edgewright_export.pack import open_pack  # noqa: PLC0415 (keeps --help fast)

    from .edgebench import edgebench_on  # noqa: PLC0415
    from .fleet import exit_code, on_each  # noqa: PLC0415

    pack = open_pack(arguments.pack)

    def verify(target: Target) -> "Verification":
        with edgebench_on(target) as edgebench:
            verification = edgebench.verify(pack, arguments.threads)
        for case in verification.cases:
            if case.problem:
                raise CheckError(f"{target.name}: {pack.name} does not equal its source on {case.name}: {case.problem}")
        return verification

    outcomes = list(on_each(targets, verify))
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(targets) == 1 and errors:
        raise errors[0]
    for error in errors:
        print(f"edgewright-device-verify: error: {error}", file=sys.stderr)
    proven = {outcome.target.name: outcome.result for outcome in outcomes if outcome.result is not None}
    record = {name: verification.model_dump(mode="json") for name, verification in proven.items()}
    lines = (
        f"{name}: {pack.path} proven. {_figures(verification, pack.manifest.task)}"
        for name, verification in proven.items()
    )
    if proven:
        emit("\n".join(lines), {"pack": str(pack.path), "devices": record}, arguments.json)
    return exit_code(outcomes)


def _figures(verification: "Verification", task: str) -> str:
    cases = verification.cases
    largest, smallest = max(case.max_error or 0 for case in cases), min(case.cosine or 0 for case in cases)
    agreeing, parts = sum(case.num_agreeing for case in cases), sum(case.num_parts for case in cases)
    return (
        f"{len(cases)} golden cases: largest error {largest:.1e}, smallest cosine {smallest:.6f}, "
        f"{agreeing} of {parts} {_PARTS[task]} equal"
    )


if __name__ == "__main__":
    sys.exit(main())
