"""`edgewright-import`: a checkpoint of another project becomes one of ours."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .command import Parser, emit, run_command, size_wxh


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 imported, 2 the file or an option cannot be used."""
    parser = Parser(
        prog="edgewright-import",
        description="Bring a published PyTorch checkpoint (.pth) in. Strict: every tensor must fit. "
        "Nothing in the file is executed.",
        epilog="example: edgewright-import --model yolo-fastestv2 --weights coco2017-0.241078ap-model.pth "
        "--out runs/coco/best.safetensors",
    )
    parser.add_argument("--model", required=True, help="network the weights belong to, for example yolo-fastestv2")
    parser.add_argument("--weights", required=True, type=Path, help="the foreign file: a detector or only its backbone")
    parser.add_argument("--out", required=True, type=Path, help="the .safetensors file to write")
    parser.add_argument("--classes", type=Path, help="text file with one class name per line")
    parser.add_argument("--size", help="input size WIDTHxHEIGHT the weights were trained at (default: the model's)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _import, argv)


def _import(arguments: argparse.Namespace) -> int:
    from .checkpoint import save_checkpoint  # noqa: PLC0415 (torch is slow to import, and --help does not need it)
    from .importers import import_checkpoint  # noqa: PLC0415

    size_wh = size_wxh(arguments.size) if arguments.size else None
    tensors, header, assumed = import_checkpoint(
        arguments.model, arguments.weights, classes=arguments.classes, size_wh=size_wh
    )
    if assumed:
        print(f"{arguments.weights}: {assumed}", file=sys.stderr)
    save_checkpoint(arguments.out, tensors, header)
    what = "backbone alone" if header.content == "backbone" else f"{len(header.labels)} classes"
    num_values = sum(tensor.numel() for tensor in tensors.values() if tensor.is_floating_point())
    text = f"{arguments.out}: {header.model}, {what}, {len(tensors)} tensors, {num_values:,} values"
    record = {"weights": str(arguments.out), "tensors": len(tensors), "values": num_values, **header.model_dump()}
    emit(text, record, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
