"""A network as a table for people: a line per layer."""

from collections.abc import Callable
from typing import Any

from . import layer_options as kinds
from .layer_options import LayerOptions
from .plan import Plan, PlannedLayer
from .shapes import INPUT

_TITLES = ("layer", "line", "section", "what", "reads", "gives", "parameters", "MMAC")


def describe(plan: Plan) -> str:
    """Per layer: its line in the cfg, what it does and reads, its output as CxHxW, parameters, 1e6 MACs; then sums."""
    rows = [_TITLES, *(_row(layer) for layer in plan.layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    total = f"{plan.image} image, {plan.num_parameters:,} parameters, {plan.macs / 1e9:.3f} GMAC"
    return "\n".join((*lines, total))


def _row(layer: PlannedLayer) -> tuple[str, ...]:
    num_parameters = sum(slot.num_values for slot in layer.slots if slot.trainable)
    return (
        str(layer.index),
        str(layer.layer.place.section.line),
        layer.kind,
        _what(layer.options),
        " ".join("image" if source == INPUT else str(source) for source in layer.sources),
        str(layer.shape),
        f"{num_parameters:,}" if num_parameters else "",
        f"{layer.macs / 1e6:.2f}" if layer.macs else "",
    )


def _what(options: LayerOptions) -> str:
    describe_kind = _DETAILS.get(type(options))
    return describe_kind(options) if describe_kind else ""


def _convolutional(options: kinds.Convolutional) -> str:
    (stride_h, stride_w), size = options.stride_hw, options.size
    stride = str(stride_h) if stride_h == stride_w else f"{stride_h}x{stride_w}"
    groups = f" groups {options.groups}" if options.groups > 1 else ""
    dilation = f" dilation {options.used_dilation}" if options.used_dilation > 1 else ""
    geometry = f"{options.filters} {size}x{size}/{stride} pad {options.side_padding}{groups}{dilation}"
    return f"{geometry}{_norm(options)} {options.activation}"


def _norm(options: kinds.Convolutional | kinds.Connected) -> str:
    return " bn" if options.batch_normalize else ""


def _pool(options: kinds.MaxPool | kinds.LocalAvgPool) -> str:
    size = options.used_size
    return f"{size}x{size}/{options.stride_hw[0]} padding {options.total_padding}"


_DETAILS: dict[type[LayerOptions], Callable[[Any], str]] = {
    kinds.Convolutional: _convolutional,
    kinds.Connected: lambda options: f"{options.output}{_norm(options)} {options.activation}",
    kinds.MaxPool: _pool,
    kinds.LocalAvgPool: _pool,
    kinds.Upsample: lambda options: f"x{options.stride}",
    kinds.Route: lambda options: f"part {options.group_id} of {options.groups}" if options.groups > 1 else "",
    kinds.Shortcut: lambda options: options.activation,
    kinds.Sam: lambda options: options.activation,
    kinds.ScaleChannels: lambda options: options.activation,
    kinds.Dropout: lambda options: str(options.probability),
    kinds.Yolo: lambda options: f"{len(options.used_mask)} anchors, {options.classes} classes",
}
