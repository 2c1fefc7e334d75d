"""From a cfg to a network that fits together: who reads whom, every shape, every parameter, and nothing too large.

Nothing is allocated here, so a hostile cfg costs no more than its text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import InputError
from .cfg import Cfg, Layer
from .layer_options import LayerOptions
from .parameters import Slot, parameter_slots
from .shapes import SHAPES, Shape, Site

MAX_PARAMETERS = 1 << 28
MAX_LAYER_VALUES = 1 << 26
MAX_TOTAL_VALUES = 1 << 29
MAX_MACS = 1 << 39


@dataclass(frozen=True)
class PlannedLayer:
    """A layer in its place.

    Attributes:
        sources: indices of the layers it reads, in the order its module takes them; `INPUT` is the image.
        shape: of its output.
        slots: its tensors, in the order a weights file holds them.
        macs: multiply-accumulates for one image.
    """

    layer: Layer
    sources: tuple[int, ...]
    inputs: tuple[Shape, ...]
    shape: Shape
    slots: tuple[Slot, ...]
    macs: int

    @property
    def index(self) -> int:
        return self.layer.index

    @property
    def kind(self) -> str:
        return self.layer.kind

    @property
    def options(self) -> LayerOptions:
        return self.layer.options


@dataclass(frozen=True)
class Plan:
    """A whole network for one input size."""

    cfg: Cfg
    image: Shape
    layers: tuple[PlannedLayer, ...]

    @property
    def num_parameters(self) -> int:
        """Trainable ones: without the running mean and variance."""
        return sum(slot.num_values for slot in self.slots() if slot.trainable)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    def slots(self) -> Iterator[Slot]:
        return (slot for layer in self.layers for slot in layer.slots)


def plan_network(cfg: Cfg, *, width: int | None = None, height: int | None = None) -> Plan:
    """`width` and `height` replace those of [net].  Raises `InputError` at the first layer that does not fit."""
    image = Shape(cfg.net.channels, height or cfg.net.height, width or cfg.net.width)
    planned: list[PlannedLayer] = []
    totals = _Totals()
    for layer in cfg.layers:
        site = Site(layer, image, planned)
        sources, shape = SHAPES[type(layer.options)](site, layer.options)
        inputs = tuple(site.shape_of(index) for index in sources)
        new = PlannedLayer(layer, sources, inputs, shape, *parameter_slots(layer, inputs[0], shape))
        totals = totals.plus(new)
        planned.append(new)
    return Plan(cfg, image, tuple(planned))


@dataclass(frozen=True)
class _Totals:
    values: int = 0
    parameters: int = 0
    macs: int = 0

    def plus(self, planned: PlannedLayer) -> "_Totals":
        here = _Totals(planned.shape.num_values, sum(slot.num_values for slot in planned.slots), planned.macs)
        if here.values > MAX_LAYER_VALUES:
            raise _too_large(planned, here.values, "output values", MAX_LAYER_VALUES)
        both = replace(
            self,
            values=self.values + here.values,
            parameters=self.parameters + here.parameters,
            macs=self.macs + here.macs,
        )
        for what, total, limit in (
            ("output values of all layers so far", both.values, MAX_TOTAL_VALUES),
            ("parameters so far", both.parameters, MAX_PARAMETERS),
            ("multiply-accumulates so far", both.macs, MAX_MACS),
        ):
            if total > limit:
                raise _too_large(planned, total, what, limit)
        return both


def _too_large(planned: PlannedLayer, count: int, what: str, limit: int) -> InputError:
    return planned.layer.place.error(f"layer {planned.index} is too large: {count} {what}; at most {limit}")
