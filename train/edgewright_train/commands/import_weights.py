"""`edgewright-import`: a checkpoint of another project becomes one of ours."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import Parser, emit, run_command, size_wxh
from ..errors import InputError

if TYPE_CHECKING:
    from ..importers import Imported

_DESCRIPTION = """Bring published weights in: a PyTorch checkpoint (.pth) of a network of the zoo, or darknet's .weights
with the .cfg that describes the network.  Strict: every tensor must fit.  Nothing in the files is executed."""
_EPILOG = """examples:
  edgewright-import --model yolo-fastestv2 --weights coco2017-0.241078ap-model.pth --out runs/coco/best.safetensors
  edgewright-import --model espnetv2-1.0 --task segment --weights espnetv2_s_1.0_voc.pth --out voc.safetensors
  edgewright-import --model yolo-fastestv2 --weights letterboxed.pth --resize letterbox --out x.safetensors
  edgewright-import --cfg yolo-fastest-1.1.cfg --weights yolo-fastest-1.1.weights --out fastest.safetensors"""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 imported, 2 the file or an option cannot be used."""
    parser = Parser(
        prog="edgewright-import",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", help="network the weights belong to, for example yolo-fastestv2")
    parser.add_argument("--task", choices=("detect", "classify", "segment"), help="for models that do several")
    parser.add_argument("--cfg", type=Path, help="instead of --model: a darknet network")
    parser.add_argument("--weights", required=True, type=Path, help="the foreign file")
    parser.add_argument("--out", required=True, type=Path, help="the .safetensors file to write")
    parser.add_argument("--classes", type=Path, help="text file with one class name per line")
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the model's or the cfg's)")
    parser.add_argument(
        "--resize", choices=("stretch", "letterbox"), help="how images came to that size in its training (stretch)"
    )
    parser.add_argument("--padding", type=int, help="of letterboxed images: 0 to 255 (default: 114)")
    parser.add_argument("--bn-eps", type=float, help="of a cfg: added to variances (default: 1e-5, AlexeyAB's)")
    parser.add_argument(
        "--upto", type=int, help="of a cfg: the weights hold only so many layers, the rest stays random"
    )
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _import, argv)


def _import(arguments: argparse.Namespace) -> int:
    if (arguments.model is None) == (arguments.cfg is None):
        raise InputError("give one of MODEL= and CFG=")
    from ..checkpoint import save_checkpoint  # noqa: PLC0415 (torch is slow to import, and --help does not need it)

    imported = _imported(arguments).resized(arguments.resize, arguments.padding)
    for note in imported.notes:
        print(f"{arguments.weights}: {note}", file=sys.stderr)
    tensors, header = imported.tensors, imported.header
    save_checkpoint(arguments.out, tensors, header)
    what = "backbone alone" if header.content == "backbone" else f"{header.task}, {len(header.labels)} classes"
    num_values = sum(tensor.numel() for tensor in tensors.values() if tensor.is_floating_point())
    text = f"{arguments.out}: {header.model}, {what}, {len(tensors)} tensors, {num_values:,} values"
    record = {"weights": str(arguments.out), "tensors": len(tensors), "values": num_values, **header.model_dump()}
    emit(text, record, arguments.json)
    return 0


def _imported(arguments: argparse.Namespace) -> "Imported":
    from ..importers import import_cfg, import_checkpoint  # noqa: PLC0415

    size_wh = size_wxh(arguments.size) if arguments.size else None
    if arguments.cfg is None:
        for name, value in (("BN_EPS", arguments.bn_eps), ("UPTO", arguments.upto)):
            if value is not None:
                raise InputError(f"{name}={value} belongs to CFG=, not to a model of the zoo")
        return import_checkpoint(
            arguments.model, arguments.weights, task=arguments.task, classes=arguments.classes, size_wh=size_wh
        )
    if arguments.task is not None:
        raise InputError(f"TASK={arguments.task}: a cfg's own sections tell its task; leave TASK= out")
    return import_cfg(
        arguments.cfg,
        arguments.weights,
        classes=arguments.classes,
        size_wh=size_wh,
        bn_eps=arguments.bn_eps,
        upto=arguments.upto,
    )


if __name__ == "__main__":
    sys.exit(main())
