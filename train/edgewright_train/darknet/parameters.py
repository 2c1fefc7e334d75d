"""The tensors of a layer, in the order of a weights file.  spec-darknet-cfg section 6."""

import math
from dataclasses import dataclass

from .cfg import Layer
from .layer_options import BatchNorm, Connected, Convolutional
from .shapes import Shape


@dataclass(frozen=True)
class Slot:
    """One tensor.

    Attributes:
        layer: it belongs to.
        name: in the network's state dict.
        shape: as PyTorch has it; a file holds it in the same order, row by row.
        in_file: false when `dontload` or `dontloadscales` says that files leave it out.
    """

    layer: Layer
    name: str
    shape: tuple[int, ...]
    trainable: bool
    in_file: bool

    @property
    def num_values(self) -> int:
        return math.prod(self.shape)


def parameter_slots(layer: Layer, source: Shape, out: Shape) -> tuple[tuple[Slot, ...], int]:
    """And the multiply-accumulates of one image."""
    options, width = layer.options, (out.channels,)

    def slot(name: str, shape: tuple[int, ...]) -> Slot:
        scales = options.dontloadscales and name.startswith("norm.") and name != "norm.bias"
        return Slot(
            layer=layer,
            name=f"layers.{layer.index}.{name}",
            shape=shape,
            trainable="running" not in name,
            in_file=not (options.dontload or scales),
        )

    scales = [slot(f"norm.{name}", width) for name in ("weight", "running_mean", "running_var")]
    match options:
        case Convolutional():
            kernel = (out.channels, source.channels // options.groups, options.size, options.size)
            weight = slot("conv.weight", kernel)
            macs = weight.num_values * out.height * out.width
            if options.batch_normalize:
                return (slot("norm.bias", width), *scales, weight), macs
            return (slot("conv.bias", width), weight), macs
        case Connected():
            weight = slot("conv.weight", (out.channels, source.channels, source.height, source.width))
            if options.batch_normalize:
                return (slot("norm.bias", width), weight, *scales), weight.num_values
            return (slot("conv.bias", width), weight), weight.num_values
        case BatchNorm():
            return (slot("norm.bias", width), *scales), 0
        case _:
            return (), 0
