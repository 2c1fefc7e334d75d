"""The module of every section kind.  Each takes the outputs it reads, (N, C, H, W), in the plan's order."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from . import layer_options as kinds
from .activations import activation_module
from .plan import PlannedLayer
from .pooling import average_pool, max_pool, pool_axis

# Of darknet's training: rolling = 0.99 * rolling + 0.01 * new.
_BN_MOMENTUM = 0.01


class Route(nn.Module):
    """Concatenation of the same share of every source's channels."""

    def __init__(self, shares: tuple[tuple[int, int] | None, ...]) -> None:
        """`shares`: per source the first channel and the one after the last, or None for all of them."""
        super().__init__()
        self.shares = shares

    def forward(self, *sources: Tensor) -> Tensor:
        parts = [
            source if share is None else source[:, share[0] : share[1]]
            for source, share in zip(sources, self.shares, strict=True)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)

    def extra_repr(self) -> str:
        return ", ".join("all" if share is None else f"{share[0]}:{share[1]}" for share in self.shares)


class Shortcut(nn.Module):
    """act(x + others)."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.act = activation_module(activation)

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            x = x + other
        return x if self.act is None else self.act(x)


class Multiply(nn.Module):
    """act(x * other), with (N, C, 1, 1) or (N, 1, H, W) for x or the same shape as `other`."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.act = activation_module(activation)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        product = x * other
        return product if self.act is None else self.act(product)


class Scale(nn.Module):
    """x * factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return str(self.factor)


class StopGradient(nn.Module):
    """The layer inside, whose sources learn nothing from it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *sources: Tensor) -> Tensor:
        return self.inner(*(source.detach() if self.training else source for source in sources))


def _sequence(**children: nn.Module | None) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, child) for name, child in children.items() if child is not None))


def _convolutional(planned: PlannedLayer, options: kinds.Convolutional, bn_eps: float) -> nn.Module:
    dilation = options.used_dilation
    conv = nn.Conv2d(
        planned.inputs[0].channels,
        options.filters,
        options.size,
        options.stride_hw,
        options.side_padding * dilation,
        dilation,
        options.groups,
        bias=not options.batch_normalize,
    )
    norm = _norm(options.filters, bn_eps) if options.batch_normalize else None
    return _sequence(conv=conv, norm=norm, act=activation_module(options.activation))


def _connected(planned: PlannedLayer, options: kinds.Connected, bn_eps: float) -> nn.Module:
    """As a convolution with a kernel of the whole map, whose weights are in the same order."""
    source = planned.inputs[0]
    conv = nn.Conv2d(source.channels, options.output, (source.height, source.width), bias=not options.batch_normalize)
    norm = _norm(options.output, bn_eps) if options.batch_normalize else None
    return _sequence(conv=conv, norm=norm, act=activation_module(options.activation))


def _batch_norm(planned: PlannedLayer, _: kinds.BatchNorm, bn_eps: float) -> nn.Module:
    return _sequence(norm=_norm(planned.shape.channels, bn_eps))


def _norm(channels: int, eps: float) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=eps, momentum=_BN_MOMENTUM)


def _pool(planned: PlannedLayer, options: kinds.MaxPool | kinds.LocalAvgPool, _: float) -> nn.Module:
    source, (stride_h, stride_w) = planned.inputs[0], options.stride_hw
    size, padding = options.used_size, options.total_padding
    rows = pool_axis(source.height, size=size, stride=stride_h, padding=padding)
    columns = pool_axis(source.width, size=size, stride=stride_w, padding=padding)
    make = max_pool if isinstance(options, kinds.MaxPool) else average_pool
    return make(rows, columns, size=size, stride_hw=options.stride_hw)


def _upsample(_: PlannedLayer, options: kinds.Upsample, __: float) -> nn.Module:
    scale = options.scale
    if options.stride > 0:
        resize: nn.Module = nn.Upsample(scale_factor=float(options.stride), mode="nearest")
    else:
        resize = nn.AvgPool2d(-options.stride)  # darknet sums the cells
        scale *= options.stride**2
    return resize if scale == 1 else nn.Sequential(resize, Scale(scale))


def _route(planned: PlannedLayer, options: kinds.Route, _: float) -> nn.Module:
    def share(channels: int) -> tuple[int, int] | None:
        part = channels // options.groups
        return None if options.groups == 1 else (part * options.group_id, part * (options.group_id + 1))

    return Route(tuple(share(source.channels) for source in planned.inputs))


MODULES: dict[type[kinds.LayerOptions], Callable[[PlannedLayer, Any, float], nn.Module]] = {
    kinds.Convolutional: _convolutional,
    kinds.Connected: _connected,
    kinds.BatchNorm: _batch_norm,
    kinds.MaxPool: _pool,
    kinds.LocalAvgPool: _pool,
    kinds.AvgPool: lambda *_: nn.AdaptiveAvgPool2d(1),
    kinds.Upsample: _upsample,
    kinds.Route: _route,
    kinds.Shortcut: lambda _, options, __: Shortcut(options.activation),
    kinds.ScaleChannels: lambda _, options, __: Multiply(options.activation),
    kinds.Sam: lambda _, options, __: Multiply(options.activation),
    kinds.Dropout: lambda _, options, __: nn.Dropout(options.probability),
    kinds.Softmax: lambda *_: nn.Identity(),
    kinds.Cost: lambda *_: nn.Identity(),
    kinds.Yolo: lambda *_: nn.Identity(),
}


def layer_module(planned: PlannedLayer, *, bn_eps: float) -> nn.Module:
    """Heads are identities: the network gives what they read."""
    module = MODULES[type(planned.options)](planned, planned.options, bn_eps)
    return StopGradient(module) if planned.options.stopbackward else module
