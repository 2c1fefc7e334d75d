"""What every section reads and what it gives, checked.  One function per section kind; `SHAPES` finds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import layer_options as kinds
from .cfg import Layer
from .layer_options import LayerOptions
from .pooling import pool_axis

INPUT = -1
HEADS = ("yolo", "softmax", "cost")


@dataclass(frozen=True)
class Shape:
    """Of one image's map."""

    channels: int
    height: int
    width: int

    @property
    def num_values(self) -> int:
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"


class _Placed(Protocol):
    @property
    def shape(self) -> Shape: ...

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True)
class Site:
    """What a layer can see: the image and the layers before it."""

    layer: Layer
    image: Shape
    before: Sequence[_Placed]

    def shape_of(self, index: int) -> Shape:
        return self.image if index == INPUT else self.before[index].shape

    def previous(self) -> tuple[int, Shape]:
        index = self.layer.index - 1
        if index != INPUT and self.before[index].kind in HEADS and self.layer.kind != "cost":
            head = self.before[index].kind
            raise self.layer.place.error(f"reads layer {index}, a [{head}]; no layer can read the output of a head")
        return index, self.shape_of(index)

    def named(self, reference: int, key: str) -> int:
        """A layer that an option refers to: absolute, or relative to this layer when negative."""
        here = self.layer.index
        index = here + reference if reference < 0 else reference
        if not 0 <= index < here:
            raise self.layer.place.error(
                f"{reference} is layer {index}, but this is layer {here}; it can only read the layers 0 to {here - 1}"
                if here
                else "this is layer 0, it has no layer before it to read",
                key,
            )
        if self.before[index].kind in HEADS:
            raise self.layer.place.error(
                f"{reference} is layer {index}, a [{self.before[index].kind}]; no layer can read the output of a head",
                key,
            )
        return index


Wiring = tuple[tuple[int, ...], Shape]


def _convolutional(site: Site, options: kinds.Convolutional) -> Wiring:
    index, source = site.previous()
    error, padding = site.layer.place.error, options.side_padding
    for what, count in (("input channels", source.channels), ("filters", options.filters)):
        if count % options.groups:
            raise error(f"{count} {what} cannot be divided so", "groups")
    if options.used_dilation > 1 and 2 * padding != options.size - 1:
        raise error("dilation needs an odd size and pad=1: darknet's own output sizes are wrong otherwise", "dilation")
    stride_h, stride_w = options.stride_hw
    height = (source.height + 2 * padding - options.size) // stride_h + 1
    width = (source.width + 2 * padding - options.size) // stride_w + 1
    if min(height, width) < 1:
        raise error(f"a {options.size}x{options.size} kernel with padding {padding} does not fit in {source}", "size")
    return (index,), Shape(options.filters, height, width)


def _connected(site: Site, options: kinds.Connected) -> Wiring:
    index, _ = site.previous()
    return (index,), Shape(options.output, 1, 1)


def _pool(site: Site, options: kinds.MaxPool | kinds.LocalAvgPool) -> Wiring:
    index, source = site.previous()
    size, padding, (stride_h, stride_w) = options.used_size, options.total_padding, options.stride_hw
    if padding >= size:
        raise site.layer.place.error(f"must be less than the size, {size}", "padding")
    rows = pool_axis(source.height, size=size, stride=stride_h, padding=padding)
    columns = pool_axis(source.width, size=size, stride=stride_w, padding=padding)
    if min(rows.num_windows, columns.num_windows) < 1:
        raise site.layer.place.error(f"a {size}x{size} window with padding {padding} does not fit in {source}", "size")
    if isinstance(options, kinds.LocalAvgPool) and size != 2 and (rows.extra_after or columns.extra_after):
        raise site.layer.place.error("an uneven padding is only supported with size=2", "size")
    return (index,), Shape(source.channels, rows.num_windows, columns.num_windows)


def _average(site: Site, _: kinds.AvgPool) -> Wiring:
    index, source = site.previous()
    return (index,), Shape(source.channels, 1, 1)


def _same(site: Site, _: LayerOptions) -> Wiring:
    index, source = site.previous()
    return (index,), source


def _upsample(site: Site, options: kinds.Upsample) -> Wiring:
    index, source = site.previous()
    factor = options.stride
    if factor == 0:
        raise site.layer.place.error("must not be 0", "stride")
    if factor > 0:
        return (index,), Shape(source.channels, source.height * factor, source.width * factor)
    if source.height % factor or source.width % factor:
        raise site.layer.place.error(f"{source} cannot be divided by {-factor}", "stride")
    return (index,), Shape(source.channels, source.height // -factor, source.width // -factor)


def _route(site: Site, options: kinds.Route) -> Wiring:
    error = site.layer.place.error
    if options.group_id >= options.groups:
        raise error(f"must be less than groups, {options.groups}", "group_id")
    sources = tuple(site.named(reference, "layers") for reference in options.layers)
    shapes = [site.shape_of(index) for index in sources]
    first = shapes[0]
    for index, shape in zip(sources, shapes, strict=True):
        if (shape.height, shape.width) != (first.height, first.width):
            raise error(
                f"layer {index} gives {shape} and layer {sources[0]} {first}; height and width must agree", "layers"
            )
        if shape.channels % options.groups:
            raise error(f"the {shape.channels} channels of layer {index} cannot be divided so", "groups")
    return sources, Shape(sum(shape.channels for shape in shapes) // options.groups, first.height, first.width)


def _shortcut(site: Site, options: kinds.Shortcut) -> Wiring:
    index, shape = site.previous()
    if options.weights_type != "none":
        raise site.layer.place.error("not supported; only none is", "weights_type")
    others = tuple(site.named(reference, "from") for reference in options.from_layers)
    for other in others:
        _check_equal(site, other, index)
    return (index, *others), shape


def _sam(site: Site, options: kinds.Sam) -> Wiring:
    index, shape = site.previous()
    other = site.named(options.from_layer, "from")
    _check_equal(site, other, index)
    return (index, other), shape


def _scale_channels(site: Site, options: kinds.ScaleChannels) -> Wiring:
    index, scales = site.previous()
    other = site.named(options.from_layer, "from")
    shape = site.shape_of(other)
    expected = Shape(1, shape.height, shape.width) if options.scale_wh else Shape(shape.channels, 1, 1)
    if scales != expected:
        raise site.layer.place.error(
            f"layer {other} gives {shape}; layer {index} must give {expected}, not {scales}", "from"
        )
    return (index, other), shape


def _check_equal(site: Site, other: int, index: int) -> None:
    if site.shape_of(other) != site.shape_of(index):
        raise site.layer.place.error(
            f"layer {other} gives {site.shape_of(other)} and layer {index} {site.shape_of(index)}; they must be equal",
            "from",
        )


def _softmax(site: Site, options: kinds.Softmax) -> Wiring:
    if options.tree is not None:
        raise site.layer.place.error("not supported", "tree")
    return _same(site, options)


def _yolo(site: Site, options: kinds.Yolo) -> Wiring:
    index, source = site.previous()
    error, num_anchors = site.layer.place.error, len(options.anchors)
    if num_anchors != options.num:
        raise error(f"{num_anchors} pairs, but num={options.num}", "anchors")
    used = options.used_mask
    for anchor in used:
        if not 0 <= anchor < num_anchors:
            raise error(f"{anchor} is not one of the {num_anchors} anchors, 0 to {num_anchors - 1}", "mask")
    if options.counters_per_class and len(options.counters_per_class) != options.classes:
        raise error(f"{len(options.counters_per_class)} numbers for {options.classes} classes", "counters_per_class")
    wanted = len(used) * (5 + options.classes)
    if source.channels != wanted:
        raise error(
            f"{len(used)} anchors and {options.classes} classes need {wanted} input channels "
            f"(anchors * (5 + classes)), layer {index} gives {source.channels}",
            "classes",
        )
    for side, key in (("height", "height"), ("width", "width")):
        of_image, cells = getattr(site.image, side), getattr(source, side)
        if of_image % cells:
            raise error(f"the grid has {cells} cells over a {key} of {of_image} pixels; choose a {key} that it divides")
    return (index,), source


SHAPES: dict[type[LayerOptions], Callable[[Site, Any], Wiring]] = {
    kinds.Convolutional: _convolutional,
    kinds.Connected: _connected,
    kinds.BatchNorm: _same,
    kinds.MaxPool: _pool,
    kinds.LocalAvgPool: _pool,
    kinds.AvgPool: _average,
    kinds.Upsample: _upsample,
    kinds.Route: _route,
    kinds.Shortcut: _shortcut,
    kinds.ScaleChannels: _scale_channels,
    kinds.Sam: _sam,
    kinds.Dropout: _same,
    kinds.Softmax: _softmax,
    kinds.Cost: _same,
    kinds.Yolo: _yolo,
}
