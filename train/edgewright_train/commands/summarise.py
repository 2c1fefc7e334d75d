"""`edgewright-summary`: a network layer by layer."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import Parser, emit, run_command, share_cores, size_wxh
from ..errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from ..checkpoint import Checkpoint
    from ..summary import Summary


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 printed, 2 wrong input."""
    parser = Parser(
        prog="edgewright-summary",
        description="Print a network's layers, parameters (trained and stored), MACs and PyTorch latency.",
        epilog="examples: edgewright-summary --model espnetv2-1.0 --task segment --size 512x256\n"
        "          edgewright-summary --cfg yolov4-tiny.cfg",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", help="a network of the zoo; a wrong name lists them")
    parser.add_argument("--task", choices=("detect", "classify", "segment"), help="for models that do several")
    parser.add_argument("--weights", type=Path, help="or a checkpoint (.safetensors)")
    parser.add_argument("--cfg", type=Path, help="or a darknet .cfg")
    parser.add_argument(
        "--num-classes", type=int, default=None, help="of --model (default: what it was published with)"
    )
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the network's)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _summarise, argv)


def _summarise(arguments: argparse.Namespace) -> int:
    given = [each for each in (arguments.model, arguments.weights, arguments.cfg) if each is not None]
    if len(given) != 1:
        raise InputError("give one of MODEL=, WEIGHTS= and CFG=")
    share_cores()
    from ..summary import summarise, torch_latency_ms  # noqa: PLC0415 (torch is slow to import)

    given_size_wh = size_wxh(arguments.size) if arguments.size else None
    checkpoint = _checkpoint(arguments, given_size_wh)
    header = checkpoint.header
    size_wh = given_size_wh or (header.width, header.height)
    header.check_size(*size_wh)
    summary = summarise(checkpoint.network, *size_wh)
    latency_ms = torch_latency_ms(checkpoint.network, *size_wh)
    record = {
        "model": header.model,
        "task": header.task,
        "width": size_wh[0],
        "height": size_wh[1],
        "num_classes": len(header.labels),
        "torch_latency_ms": latency_ms,
        **asdict(summary),
    }
    title = f"{header.model}, {header.task}, {len(header.labels)} classes, {size_wh[0]}x{size_wh[1]}"
    emit(f"{_layers(title, checkpoint.network, summary)}\n{_totals(summary, latency_ms)}", record, arguments.json)
    return 0


def _checkpoint(arguments: argparse.Namespace, size_wh: tuple[int, int] | None) -> "Checkpoint":
    from ..checkpoint import load_checkpoint  # noqa: PLC0415
    from ..new_network import untrained, untrained_cfg  # noqa: PLC0415

    if arguments.weights is not None:
        return load_checkpoint(arguments.weights)
    if arguments.cfg is not None:
        return untrained_cfg(arguments.cfg, size_wh=size_wh)
    return untrained(arguments.model, arguments.task, num_classes=arguments.num_classes, size_wh=size_wh)


def _layers(title: str, network: "nn.Module", summary: "Summary") -> str:
    """One line each; of a cfg's network, its own sections."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from ..darknet.describe import describe  # noqa: PLC0415
    from ..darknet.network import DarknetNetwork  # noqa: PLC0415

    if isinstance(network, DarknetNetwork):
        return f"{title}\n{describe(network.plan)}"
    table = Table(title=title)
    table.add_column("layer", overflow="fold")
    table.add_column("kind", overflow="fold")
    for name in ("output", "parameters", "million MACs"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in summary.layers:
        shape = "x".join(map(str, layer.output_shape))
        macs = f"{layer.macs / 1e6:.2f}" if layer.macs else ""
        table.add_row(layer.name, layer.kind, shape, f"{layer.num_parameters:,}" if layer.num_parameters else "", macs)
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()


def _totals(summary: "Summary", latency_ms: float) -> str:
    return (
        f"{summary.num_trainable:,} parameters to train, {summary.num_stored:,} values stored, "
        f"{summary.macs / 1e6:,.2f} million MACs, {latency_ms:.1f} ms in PyTorch"
    )


if __name__ == "__main__":
    sys.exit(main())
