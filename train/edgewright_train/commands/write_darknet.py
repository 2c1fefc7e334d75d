"""`edgewright-darknet`: a checkpoint that came from a cfg goes back as `.cfg` and `.weights`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..command import Parser, emit, run_command
from ..errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 written, 2 wrong input."""
    parser = Parser(
        prog="edgewright-darknet",
        description="Write a checkpoint whose network came from a darknet cfg back as <model>.cfg and <model>.weights. "
        "What was imported and not trained further comes back byte by byte.",
        epilog="example: edgewright-darknet --weights runs/fastest/best.safetensors --out darknet/",
    )
    parser.add_argument("--weights", required=True, type=Path, help="checkpoint (.safetensors)")
    parser.add_argument("--out", required=True, type=Path, help="folder to write to")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _write_back, argv)


def _write_back(arguments: argparse.Namespace) -> int:
    from ..atomic import atomic_file  # noqa: PLC0415 (torch is slow to import, and --help does not need it)
    from ..checkpoint import load_checkpoint  # noqa: PLC0415
    from ..darknet.network import DarknetNetwork  # noqa: PLC0415
    from ..darknet.weights import Weights, write_weights  # noqa: PLC0415
    from ..darknet.weights_header import WeightsHeader  # noqa: PLC0415

    checkpoint = load_checkpoint(arguments.weights)
    network, darknet = checkpoint.network, checkpoint.header.darknet
    if not isinstance(network, DarknetNetwork) or darknet is None:
        raise InputError(f"{arguments.weights}: holds {checkpoint.header.model}, which did not come from a darknet cfg")
    arguments.out.mkdir(parents=True, exist_ok=True)
    cfg, weights = (arguments.out / f"{checkpoint.header.model}{suffix}" for suffix in (".cfg", ".weights"))
    with atomic_file(cfg) as temporary:
        temporary.write_text(darknet.text, encoding="utf-8", newline="")
    header = WeightsHeader(*darknet.version, darknet.seen)
    write_weights(weights, Weights(header, network.state_dict()), network.plan)
    emit(f"{cfg}\n{weights}", {"cfg": str(cfg), "weights": str(weights)}, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
