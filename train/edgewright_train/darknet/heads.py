"""What a network is for, from the sections it ends in, and how its outputs are read."""

from dataclasses import dataclass
from typing import Literal

from ..errors import InputError
from . import layer_options as kinds
from .plan import Plan, PlannedLayer

Task = Literal["detect", "classify", "segment"]


@dataclass(frozen=True)
class YoloHead:
    """A [yolo] section: the grid it decodes and how.

    Attributes:
        output: layer whose map it reads: (N, anchors * (5 + classes), height / stride, width / stride).
        strides_wh: pixels of the network's input per cell.
        anchors_px: those of this head, (w, h) at the network's input.
        new_coords: the map is already between 0 and 1; otherwise x, y, objectness and classes want a sigmoid.
        options: all that the section says, for training.
    """

    layer: int
    output: int
    strides_wh: tuple[int, int]
    anchors_px: tuple[tuple[float, float], ...]
    num_classes: int
    scale_x_y: float
    new_coords: bool
    options: kinds.Yolo


@dataclass(frozen=True)
class Heads:
    """The task, the layers whose outputs the network gives, and per [yolo] its data."""

    task: Task
    outputs: tuple[int, ...]
    num_classes: int
    yolo: tuple[YoloHead, ...] = ()


def heads_of(plan: Plan) -> Heads:
    """Raises `InputError` for a network whose outputs have no one meaning."""
    yolo = [layer for layer in plan.layers if isinstance(layer.options, kinds.Yolo)]
    softmax = [layer for layer in plan.layers if isinstance(layer.options, kinds.Softmax)]
    if len(softmax) + bool(yolo) > 1:
        last = max(yolo[-1:] + softmax[-1:], key=lambda layer: layer.index)
        kinds_of_head = " and ".join(["[yolo]"] * bool(yolo) + ["[softmax]"] * len(softmax))
        raise last.layer.place.error(f"a network with {kinds_of_head} is not supported; give one cfg per task")
    if yolo:
        return _detect(plan, yolo)
    return _softmax(plan, softmax[0]) if softmax else _bare(plan)


def _detect(plan: Plan, layers: list[PlannedLayer]) -> Heads:
    heads = tuple(_yolo_head(plan, layer) for layer in layers)
    first = heads[0].num_classes
    for layer, head in zip(layers, heads, strict=True):
        if head.num_classes != first:
            raise layer.layer.place.error(f"the first [yolo] has {first} classes; all must have as many", "classes")
    return Heads("detect", tuple(head.output for head in heads), first, heads)


def _yolo_head(plan: Plan, layer: PlannedLayer) -> YoloHead:
    options = layer.options
    assert isinstance(options, kinds.Yolo)
    return YoloHead(
        layer=layer.index,
        output=layer.sources[0],
        strides_wh=(plan.image.width // layer.shape.width, plan.image.height // layer.shape.height),
        anchors_px=options.anchors_px,
        num_classes=options.classes,
        scale_x_y=options.scale_x_y,
        new_coords=options.new_coords,
        options=options,
    )


def _softmax(plan: Plan, layer: PlannedLayer) -> Heads:
    """LightNet's groups and stride only say "per pixel"; their value follows from the size of the map."""
    options, shape = layer.options, layer.shape
    assert isinstance(options, kinds.Softmax)
    if options.spatial or (options.groups > 1 and options.stride > 1):
        return Heads("segment", layer.sources, shape.channels)
    if options.groups > 1:
        raise layer.layer.place.error("a softmax in groups is only supported per pixel, with groups=stride=", "groups")
    if (shape.height, shape.width) != (1, 1):
        raise layer.layer.place.error(f"its input is {shape}; classes need a map of 1x1, as [avgpool] gives")
    return Heads("classify", layer.sources, shape.channels)


def _bare(plan: Plan) -> Heads:
    last = plan.layers[-1]
    if (last.shape.height, last.shape.width) != (1, 1):
        raise InputError(
            f"{plan.cfg.source}: has no [yolo] and no [softmax], and ends in a map of {last.shape}: "
            "what it is for is unknown"
        )
    return Heads("classify", (last.sources[0] if last.kind == "cost" else last.index,), last.shape.channels)
