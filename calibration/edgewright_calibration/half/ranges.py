"""Where half precision is too small for a network: its largest number, its smallest, and sums on the way.

IEEE 754 binary16 ends at 65504, has its full 11 bits down to 2^-14, and nothing below 2^-25.  The captured graph runs
in float32 on a few images, and every node is looked at:

- **Overflow.** A value or a weight beyond 65504 becomes infinity.  Other images have larger values, so that less
  headroom than `SAFETY_FACTOR` is a risk.
- **Sums.** Averages, sums and softmax add up before they divide, in half precision on some devices (NCNN's windowed
  average does, on ARM); the sum of magnitudes must have the same headroom.  In a convolution, the sum of the magnitudes
  of all products bounds every partial sum in whatever order they are added; its result is what is sure to be there, so
  the bound alone is no risk.  It is reported.
- **Vanishing.** Numbers below 2^-14 lose bits.  A score of 1e-7 beside one of 0.9 may; a tensor or the weights of a
  layer may not as a whole: the error of rounding, as a share of the root mean square, must stay below
  `LARGEST_ROUNDING_ERROR`.  Weights below 2^-14 count as zero, which is what pnnx writes for them.

What is no risk by these rules still has to pass the parity gate.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_export.rewrites.constants import is_constant, read_constant
from edgewright_train.errors import CheckError
from edgewright_train.vision.preprocess import Preprocess

LARGEST_HALF = 65504.0
SMALLEST_NORMAL_HALF = 2.0**-14
SAFETY_FACTOR = 4.0
LARGEST_ROUNDING_ERROR = 2.0**-8  # eight times the error of a number with all its 11 bits

_ATEN = torch.ops.aten
_BIASED = frozenset({_ATEN.conv2d.default, _ATEN.linear.default})
_BIAS = 2  # position of the argument of those


@dataclass
class HalfCounts:
    """Of one tensor, or of one node's over all images.

    Attributes:
        flushing: numbers below 2^-14 become zero, which half precision itself does to those below 2^-25 alone.
        largest: magnitude.
        num_subnormal: values other than zero below 2^-14; those that become zero are among them.
        num_flushed: values other than zero that become zero.
        squares, squared_errors: sums over all values that do not overflow; an error is what rounding to half changes.
    """

    flushing: bool = False
    largest: float = 0.0
    num_nonzero: int = 0
    num_subnormal: int = 0
    num_flushed: int = 0
    squares: float = 0.0
    squared_errors: float = 0.0

    def update(self, values: Tensor) -> None:
        magnitudes = values.detach().float().abs()
        half = magnitudes.half().float()
        if self.flushing:
            half[magnitudes < SMALLEST_NORMAL_HALF] = 0
        fits = half.isfinite()
        self.largest = max(self.largest, float(magnitudes.max()))
        self.num_nonzero += int((magnitudes > 0).sum())
        self.num_subnormal += int(((magnitudes > 0) & (magnitudes < SMALLEST_NORMAL_HALF)).sum())
        self.num_flushed += int(((magnitudes > 0) & (half == 0)).sum())
        wide = magnitudes[fits].double()
        self.squares += float(wide.square().sum())
        self.squared_errors += float((half[fits].double() - wide).square().sum())

    @property
    def headroom(self) -> float:
        """How many times larger a value may become; below 1 it has overflowed."""
        return LARGEST_HALF / self.largest if self.largest > 0 else math.inf

    @property
    def rounding_error(self) -> float:
        return math.sqrt(self.squared_errors / self.squares) if self.squares > 0 else 0.0

    @property
    def subnormal(self) -> float:
        """Share of the values that are not zero."""
        return self.num_subnormal / max(1, self.num_nonzero)

    @property
    def flushed(self) -> float:
        """Share of the values that are not zero."""
        return self.num_flushed / max(1, self.num_nonzero)


@dataclass(frozen=True)
class HalfRange:
    """What half precision would do to one node.

    Attributes:
        values: what it computes.
        weights: its constants, but for biases, which every target rounds to the precision of the sum they are added to.
        largest_sum: of magnitudes, inside the operation; null where it adds nothing up.
        value_risk, weight_risk: in words and figures; empty where there is none.
        note: what is no risk, and good to know.
    """

    node: str
    operation: str
    values: HalfCounts
    weights: HalfCounts | None
    largest_sum: float | None
    value_risk: str
    weight_risk: str
    note: str

    @property
    def risk(self) -> str:
        return "; ".join(risk for risk in (self.value_risk, self.weight_risk) if risk)


def half_ranges(
    graph_module: fx.GraphModule, preprocess: Preprocess, images: Iterable[tuple[str, NDArray[np.uint8]]]
) -> list[HalfRange]:
    """One per node whose value is a tensor of floats, in the order of the graph, the input first.

    `images`: (name, (H, W, 3) uint8 BGR), read once, one at a time.  Raises `CheckError` for a value that is not
    finite in float32 already.
    """
    observer = _Observer(graph_module)
    with torch.inference_mode():
        for name, image in images:
            observer.image = name
            observer.run(torch.from_numpy(preprocess.normalise(preprocess.network_image(image))))
    return [_verdict(graph_module, node, seen) for node, seen in observer.seen.items()]


def float_nodes(graph: fx.Graph, ranges: Sequence[HalfRange], *, weights_only: bool = False) -> dict[str, str]:
    """Node -> why it has to compute in float32: those at risk, and those that read a value at risk.

    `weights_only`: for a target that keeps nothing but the weights of layers in half precision.
    """
    if weights_only:
        layers = {node.name for node in graph.nodes if node.target in _BIASED}
        return {each.node: each.weight_risk for each in ranges if each.weight_risk and each.node in layers}
    values = {each.node: each.value_risk for each in ranges if each.value_risk}
    risks = {each.node: each.risk for each in ranges if each.risk}
    found: dict[str, str] = {}
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        read = [source.name for source in node.all_input_nodes if source.name in values]
        if node.name in risks:
            found[node.name] = risks[node.name]
        elif read:
            found[node.name] = f"reads {read[0]}"
    return found


@dataclass
class _Seen:
    values: HalfCounts = field(default_factory=HalfCounts)
    largest_sum: float | None = None


class _Observer(fx.Interpreter):
    def __init__(self, graph_module: fx.GraphModule) -> None:
        super().__init__(graph_module)
        self.seen: dict[fx.Node, _Seen] = {}
        self.image = ""

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.op in ("get_attr", "output") or not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        if not bool(value.isfinite().all()):
            raise CheckError(f"node {n.name!r} is not finite on image {self.image!r}: NaN or infinity")
        seen = self.seen.setdefault(n, _Seen())
        seen.values.update(value)
        if n.target in _SUMS:
            arguments, options = self.fetch_args_kwargs_from_env(n)
            largest = float(_SUMS[n.target](n.target, value, *arguments, **options).max())
            seen.largest_sum = max(seen.largest_sum or 0.0, largest)
        return value


def _products(operation: Any, result: Tensor, x: Tensor, weight: Tensor, bias: Any = None, *rest: Any) -> Tensor:
    value: Tensor = operation(x.abs(), weight.abs(), None if bias is None else bias.abs(), *rest)
    return value


def _matrix_products(operation: Any, result: Tensor, a: Tensor, b: Tensor) -> Tensor:
    value: Tensor = operation(a.abs(), b.abs())
    return value


def _added(operation: Any, result: Tensor, x: Tensor, *rest: Any, **options: Any) -> Tensor:
    value: Tensor = operation(x.abs(), *rest, **options)
    return value


def _averaged(operation: Any, result: Tensor, x: Tensor, *rest: Any, **options: Any) -> Tensor:
    """Of all that is averaged: the windows of an adaptive average have about as many elements each."""
    value: Tensor = operation(x.abs(), *rest, **options)
    return value * math.ceil(x.numel() / value.numel())


def _averaged_in_windows(operation: Any, result: Tensor, x: Tensor, size: Sequence[int], *rest: Any) -> Tensor:
    value: Tensor = operation(x.abs(), size, *rest)
    return value * math.prod(size if len(size) > 1 else [size[0], size[0]])


def _exponentials(operation: Any, result: Tensor, x: Tensor, axis: int, *rest: Any) -> Tensor:
    """Every runtime subtracts the largest value first."""
    return (x - x.amax(axis, keepdim=True)).exp().sum(axis)


_SUMS: Mapping[Any, Callable[..., Tensor]] = {
    _ATEN.conv2d.default: _products,
    _ATEN.linear.default: _products,
    _ATEN.matmul.default: _matrix_products,
    _ATEN.bmm.default: _matrix_products,
    _ATEN.sum.dim_IntList: _added,
    _ATEN.mean.dim: _averaged,
    _ATEN.adaptive_avg_pool2d.default: _averaged,
    _ATEN.avg_pool2d.default: _averaged_in_windows,
    _ATEN.softmax.int: _exponentials,
}
_PRODUCTS = (_products, _matrix_products)


def _verdict(graph_module: fx.GraphModule, node: fx.Node, seen: _Seen) -> HalfRange:
    weights = _weights(graph_module, node)
    bound_only = _SUMS.get(node.target) in _PRODUCTS
    notes = []
    if seen.largest_sum is not None and bound_only and seen.largest_sum > LARGEST_HALF:
        notes.append(f"partial sums can reach {seen.largest_sum:.4g}")
    for name, counts in (("values", seen.values), ("weights", weights)):
        if counts is not None and counts.num_subnormal:
            notes.append(f"{counts.subnormal:.2%} of the {name} below 2^-14, {counts.flushed:.2%} become 0")
    return HalfRange(
        node=node.name,
        operation=str(node.target),
        values=seen.values,
        weights=weights,
        largest_sum=seen.largest_sum,
        value_risk=_value_risk(seen.values, None if bound_only else seen.largest_sum),
        weight_risk=_weight_risk(weights, node),
        note="; ".join(notes),
    )


def _value_risk(values: HalfCounts, largest_sum: float | None) -> str:
    if values.headroom < SAFETY_FACTOR:
        return _too_large("largest value", values.largest)
    if largest_sum is not None and largest_sum * SAFETY_FACTOR > LARGEST_HALF:
        return _too_large("largest sum", largest_sum)
    return _vanishing("values", values)


def _weight_risk(weights: HalfCounts | None, node: fx.Node) -> str:
    if weights is not None and weights.largest > LARGEST_HALF:
        return _too_large("largest weight", weights.largest)
    for number in (value for value in node.args if isinstance(value, float) and math.isfinite(value)):
        with np.errstate(over="ignore", under="ignore"):
            half = float(np.float16(number))
        if math.isinf(half) or (half == 0 and number != 0):
            return f"its factor {number:.4g} becomes {half:g} in half precision"
    return _vanishing("weights", weights) if weights is not None else ""


def _too_large(what: str, size: float) -> str:
    if size > LARGEST_HALF:
        return f"{what} {size:.4g} is beyond {LARGEST_HALF:.0f}"
    return f"{what} {size:.4g} is within a factor of {LARGEST_HALF / size:.2g} of {LARGEST_HALF:.0f}"


def _vanishing(what: str, counts: HalfCounts) -> str:
    if counts.rounding_error <= LARGEST_ROUNDING_ERROR:
        return ""
    return (
        f"{what} of at most {counts.largest:.4g} lose {counts.rounding_error:.2%} to rounding, "
        f"{counts.flushed:.1%} of them become 0"
    )


def _weights(graph_module: fx.GraphModule, node: fx.Node) -> HalfCounts | None:
    """Biases are left out: rounding does to them what it does to the sum."""
    bias = node.args[_BIAS] if node.target in _BIASED and len(node.args) > _BIAS else None
    constants = [source for source in node.all_input_nodes if is_constant(source) and source is not bias]
    tensors = [read_constant(graph_module, constant) for constant in constants]
    floats = [tensor for tensor in tensors if tensor.is_floating_point() and tensor.numel() > 0]
    if not floats:
        return None
    counts = HalfCounts(flushing=True)
    for tensor in floats:
        counts.update(tensor)
    return counts
