"""What the stages need to know of a network without knowing which it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from ..tasks.decode import Decode

Task = Literal["detect", "classify", "segment"]
AnchorsPx = tuple[tuple[tuple[float, float], ...], ...]


def _as_built(_: Any) -> None:
    """Most networks need nothing."""


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """x = (pixel - mean) * scale per channel in `colour_order`; pixels are 0..255."""

    colour_order: Literal["bgr", "rgb"]
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network for one task.

    Attributes:
        build: number of classes -> network that returns logits.
        initialise: what a network wants before it is trained from random weights, beyond what `build` does.
        deploy: network -> module with the outputs of a pack, in the order of `output_names`; shares the weights.
        decode: ((width, height) of the input, anchors of the checkpoint) -> how the outputs become a result.
        default_num_classes: of the published weights.
        size_multiple: width and height must be multiples of it.
        strides, default_anchors_px: of grids whose anchors (w, h at the network's input) training may fit to its data.
    """

    task: Task
    build: Callable[[int], nn.Module]
    deploy: Callable[[Any], nn.Module]
    output_names: tuple[str, ...]
    decode: Callable[[tuple[int, int], AnchorsPx], Decode]
    normalisation: Normalisation
    default_num_classes: int
    default_size_wh: tuple[int, int]
    size_multiple: int
    initialise: Callable[[Any], None] = _as_built
    strides: tuple[int, ...] = ()
    default_anchors_px: AnchorsPx = ()
