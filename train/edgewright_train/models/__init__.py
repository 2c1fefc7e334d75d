"""The networks by name.  A new architecture is one file beside this one and one entry in `ARCHITECTURES`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from ..errors import InputError
from . import yolo_fastestv2

Task = Literal["detect"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What the stages need to know of a network without knowing which it is.

    Attributes:
        build: number of classes -> network that returns logits.
        initialise: what a network wants before it is trained from random weights, beyond what `build` does.
        deploy: network -> module with activated outputs, in the order of `output_names`; shares the weights.
        output_names: of the deployed form, as they appear in every pack.
        strides, default_anchors_px: of the detection grids; anchors are (w, h) at the network's input.
        colour_order, mean, scale: x = (pixel - mean) * scale per channel, in that order.
        size_multiple: width and height must be multiples of it.
    """

    task: Task
    build: Callable[[int], nn.Module]
    initialise: Callable[[Any], None]
    deploy: Callable[[Any], nn.Module]
    output_names: tuple[str, ...]
    strides: tuple[int, ...]
    default_anchors_px: tuple[tuple[tuple[float, float], ...], ...]
    decode_kind: Literal["yolo-fastestv2"]
    colour_order: Literal["bgr", "rgb"]
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    default_size_wh: tuple[int, int]
    size_multiple: int


ARCHITECTURES: dict[str, Architecture] = {
    "yolo-fastestv2": Architecture(
        task="detect",
        build=yolo_fastestv2.YoloFastestV2,
        initialise=yolo_fastestv2.expect_few_objects,
        deploy=yolo_fastestv2.Deployed,
        output_names=("stride16", "stride32"),
        strides=yolo_fastestv2.STRIDES,
        default_anchors_px=yolo_fastestv2.COCO_ANCHORS_PX,
        decode_kind="yolo-fastestv2",
        colour_order="bgr",
        mean=(0.0, 0.0, 0.0),
        scale=(1 / 255, 1 / 255, 1 / 255),
        default_size_wh=(352, 352),
        size_multiple=32,
    ),
}


def architecture(name: str) -> Architecture:
    """Raises `InputError` listing the known names."""
    if name not in ARCHITECTURES:
        raise InputError(f"MODEL={name}: unknown model; choose from: {', '.join(sorted(ARCHITECTURES))}")
    return ARCHITECTURES[name]


def check_size(name: str, width: int, height: int) -> None:
    """Raises `InputError` unless both sides are multiples of what the network's strides need."""
    multiple = architecture(name).size_multiple
    if width % multiple or height % multiple or not (0 < width <= 8192 and 0 < height <= 8192):
        raise InputError(f"SIZE={width}x{height}: {name} needs a width and a height that are multiples of {multiple}")
