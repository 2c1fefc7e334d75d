"""Every section computes what darknet's own loops compute, written out here cell by cell."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewright_train.darknet.activations import ACTIVATIONS, activation_module
from edgewright_train.darknet.cfg import parse_cfg
from edgewright_train.darknet.network import DarknetNetwork, build_network

NET = "[net]\nwidth={width}\nheight={height}\nchannels={channels}\n"


def network(layers: str, *, channels: int = 4, width: int = 7, height: int = 6) -> DarknetNetwork:
    """In eval mode, with an average and a softmax behind `layers` so that it has a task."""
    torch.manual_seed(0)
    text = NET.format(width=width, height=height, channels=channels) + layers + "\n[avgpool]\n[softmax]\n"
    return build_network(parse_cfg(text, source="x.cfg")).eval()


def last_map(layers: str, image: Tensor) -> NDArray[np.float32]:
    """Output (C, H, W) of the last of `layers`, all without weights."""
    _, channels, height, width = image.shape
    built = network(layers, channels=channels, width=width, height=height)
    outputs = {-1: image}
    for planned in built.plan.layers[:-2]:
        outputs[planned.index] = built.layers[planned.index](*(outputs[source] for source in planned.sources))
    return outputs[len(built.plan.layers) - 3][0].numpy()


def image(channels: int, height: int, width: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(1, channels, height, width)).astype(np.float32))


Reduce = Callable[[list[float]], float]


def pooled(x: Tensor, *, size: int, stride: int, padding: int, reduce: Reduce) -> NDArray[np.float64]:
    """Windows start `padding // 2` before the map; only cells inside it count."""
    _, channels, height, width = x.shape
    rows, columns = ((length + padding - size) // stride + 1 for length in (height, width))
    out = np.zeros((channels, rows, columns))
    for c, i, j in np.ndindex(out.shape):
        cells = [
            (i * stride - padding // 2 + m, j * stride - padding // 2 + n) for m in range(size) for n in range(size)
        ]
        inside = [float(x[0, c, y, x_]) for y, x_ in cells if 0 <= y < height and 0 <= x_ < width]
        out[c, i, j] = reduce(inside)
    return out


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 9), (5, 8)])
@pytest.mark.parametrize(
    ("size", "stride", "padding"),
    [
        (2, 2, None), (2, 1, None), (3, 1, None), (3, 2, None), (5, 1, None), (4, 1, None), (4, 3, None),
        (3, 2, 0), (2, 2, 0),
    ],
)  # fmt: skip
def test_maxpool_windows_are_darknets(height: int, width: int, size: int, stride: int, padding: int | None) -> None:
    x = image(2, height, width)
    text = f"[maxpool]\nsize={size}\nstride={stride}\n" + ("" if padding is None else f"padding={padding}\n")
    total = size - 1 if padding is None else padding
    np.testing.assert_allclose(last_map(text, x), pooled(x, size=size, stride=stride, padding=total, reduce=max))


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (2, 1), (3, 1), (3, 2)])
def test_local_avgpool_averages_the_cells_inside_the_map(size: int, stride: int) -> None:
    x = image(2, 7, 5)
    expected = pooled(x, size=size, stride=stride, padding=size - 1, reduce=lambda cells: sum(cells) / len(cells))
    np.testing.assert_allclose(last_map(f"[local_avgpool]\nsize={size}\nstride={stride}\n", x), expected, atol=1e-6)


def test_maxpool_takes_its_stride_as_its_size() -> None:
    x = image(2, 6, 6)
    np.testing.assert_array_equal(last_map("[maxpool]\nstride=2\n", x), last_map("[maxpool]\nstride=2\nsize=2\n", x))


def test_maxpool_can_stride_differently_along_each_axis() -> None:
    assert last_map("[maxpool]\nsize=2\nstride_x=1\nstride_y=2\n", image(2, 6, 6)).shape == (2, 3, 6)


def test_upsample_repeats_cells_and_scales_them() -> None:
    x = image(2, 3, 4)
    expected = 0.5 * x[0].numpy().repeat(3, 1).repeat(3, 2)
    np.testing.assert_allclose(last_map("[upsample]\nstride=3\nscale=0.5\n", x), expected, rtol=1e-6)


def test_upsample_with_a_negative_stride_sums_cells() -> None:
    x = image(2, 4, 6)
    expected = x[0].numpy().reshape(2, 2, 2, 3, 2).sum((2, 4))
    np.testing.assert_allclose(last_map("[upsample]\nstride=-2\n", x), expected, rtol=1e-5, atol=1e-6)


def test_route_takes_the_same_share_of_every_source() -> None:
    x = image(4, 2, 3)
    text = "[upsample]\nstride=1\nscale=2\n[upsample]\nstride=1\nscale=3\n[route]\nlayers=-2,1\ngroups=2\ngroup_id=1\n"
    x_np = x[0].numpy()
    np.testing.assert_allclose(last_map(text, x), np.concatenate((2 * x_np[2:], 6 * x_np[2:])), rtol=1e-6)


def test_shortcut_adds_every_layer_it_names() -> None:
    x = image(4, 2, 3)
    text = "[upsample]\nstride=1\nscale=2\n[upsample]\nstride=1\nscale=-3\n[shortcut]\nfrom=-2,0\nactivation=relu\n"
    x_np = x[0].numpy()
    np.testing.assert_allclose(last_map(text, x), np.maximum(-6 * x_np + 2 * 2 * x_np, 0), rtol=1e-5)


def test_sam_multiplies_cell_by_cell() -> None:
    x = image(4, 2, 3)
    text = "[upsample]\nstride=1\nscale=2\n[upsample]\nstride=1\nscale=3\n[sam]\nfrom=-2\n"
    np.testing.assert_allclose(last_map(text, x), 12 * x[0].numpy() ** 2, rtol=1e-5)


def test_scale_channels_weighs_whole_channels() -> None:
    x = image(4, 2, 3)
    text = "[upsample]\nstride=1\nscale=2\n[avgpool]\n[scale_channels]\nfrom=0\n"
    x_np = x[0].numpy()
    np.testing.assert_allclose(last_map(text, x), 4 * x_np.mean((1, 2), keepdims=True) * x_np, rtol=1e-4, atol=1e-6)


def test_scale_channels_with_scale_wh_weighs_whole_cells() -> None:
    x = image(4, 2, 3)
    text = "[upsample]\nstride=1\n[route]\nlayers=0\ngroups=4\ngroup_id=2\n[scale_channels]\nfrom=0\nscale_wh=1\n"
    np.testing.assert_allclose(last_map(text, x), x[0].numpy() * x[0, 2].numpy(), rtol=1e-5)


def test_dropout_changes_nothing_at_inference_and_scales_survivors_in_training() -> None:
    built = network("[dropout]\nprobability=.25\n")
    x = image(4, 6, 7)
    assert torch.equal(built.layers[0](x), x)
    dropped = built.layers[0].train()(x)
    survivors = dropped != 0
    assert 0 < survivors.sum() < dropped.numel()
    torch.testing.assert_close(dropped[survivors], x[survivors] / 0.75)


def convolved(
    x: Tensor, weight: Tensor, *, stride: int, padding: int, dilation: int, groups: int
) -> NDArray[np.float64]:
    """Darknet's size formula knows no dilation; cells lie `dilation` apart from `padding * dilation` before the map."""
    height, width = x.shape[2:]
    filters, per_group, size, _ = weight.shape
    rows, columns = ((length + 2 * padding - size) // stride + 1 for length in (height, width))
    out = np.zeros((filters, rows, columns))
    for f, i, j in np.ndindex(out.shape):
        first = f // (filters // groups) * per_group
        for c, m, n in np.ndindex(per_group, size, size):
            y = i * stride + (m - padding) * dilation
            x_ = j * stride + (n - padding) * dilation
            if 0 <= y < height and 0 <= x_ < width:
                out[f, i, j] += float(weight[f, c, m, n]) * float(x[0, first + c, y, x_])
    return out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": 3, "pad": 1}, {"padding": 1}),
        ({"size": 3, "pad": 1, "stride": 2}, {"padding": 1, "stride": 2}),
        ({"size": 5, "pad": 2, "padding": 4}, {"padding": 2}),  # pad only says yes: half the size, `padding` is ignored
        ({"size": 3, "padding": 2}, {"padding": 2}),
        ({"size": 1, "pad": 1, "dilation": 5}, {}),  # dilation means nothing to one cell
        ({"size": 3, "pad": 1, "dilation": 2}, {"padding": 1, "dilation": 2}),
        ({"size": 3, "pad": 1, "groups": 2}, {"padding": 1, "groups": 2}),
        ({"size": 2, "pad": 1}, {"padding": 1}),
        ({"size": 3}, {}),
    ],
)
def test_convolution_is_darknets(options: dict[str, int], expected: dict[str, int]) -> None:
    built = network(
        "[convolutional]\nfilters=6\nactivation=linear\n"
        + "".join(f"{key}={value}\n" for key, value in options.items())
    )
    x, conv = image(4, 6, 7), built.layers[0].conv
    with torch.no_grad():
        conv.bias.zero_()
        found = built.layers[0](x)[0].numpy()
    geometry = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **expected}
    np.testing.assert_allclose(found, convolved(x, conv.weight.detach(), **geometry), atol=1e-5)
    assert found.shape == (6, built.plan.layers[0].shape.height, built.plan.layers[0].shape.width)


def test_strides_of_each_axis_replace_the_common_one() -> None:
    built = network("[convolutional]\nfilters=6\nactivation=linear\nstride=3\nstride_x=2\n", width=8, height=9)
    assert built.plan.layers[0].shape.height == 3
    assert built.plan.layers[0].shape.width == 4


def test_connected_weighs_every_cell_row_by_row() -> None:
    built = network("[connected]\noutput=5\nactivation=linear\n")
    x, conv = image(4, 6, 7), built.layers[0].conv
    with torch.no_grad():
        expected = conv.weight.reshape(5, -1) @ x.flatten() + conv.bias
        torch.testing.assert_close(built.layers[0](x).flatten(), expected, rtol=1e-4, atol=1e-5)


def test_standalone_batchnorm_normalises_the_map() -> None:
    built = network("[batchnorm]\n")
    norm, x = built.layers[0].norm, image(4, 6, 7)
    with torch.no_grad():
        norm.running_mean.fill_(2.0)
        norm.running_var.fill_(9.0)
        norm.weight.fill_(6.0)
        norm.bias.fill_(1.0)
        torch.testing.assert_close(built.layers[0](x), (x - 2) / 3 * 6 + 1, rtol=1e-4, atol=1e-5)


def test_batch_norm_epsilon_and_momentum_are_darknets_or_given() -> None:
    text = (
        NET.format(width=8, height=8, channels=3) + "[conv]\nfilters=2\nbatch_normalize=1\nactivation=relu\n[avgpool]\n"
    )
    cfg = parse_cfg(text, source="x.cfg")
    assert build_network(cfg).layers[0].norm.eps == 1e-5
    assert build_network(cfg, bn_eps=1e-6).layers[0].norm.eps == 1e-6
    assert build_network(cfg).layers[0].norm.momentum == 0.01


def _stair(x: float) -> float:
    whole = math.floor(x)
    return math.floor(x / 2) if whole % 2 == 0 else (x - whole) + math.floor(x / 2)


def _plse(x: float) -> float:
    if x < -4:
        return 0.01 * (x + 4)
    return 0.01 * (x - 4) + 1 if x > 4 else 0.125 * x + 0.5


def _lhtan(x: float) -> float:
    return 0.001 * x if x < 0 else (0.001 * (x - 1) + 1 if x > 1 else x)


def _hard_mish(x: float) -> float:
    return x if x > 0 else (x * x / 2 + x if x > -2 else 0.0)


ELEMENTWISE: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "logistic": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "leaky": lambda x: x if x > 0 else 0.1 * x,
    "revleaky": lambda x: x if x > 0 else 0.1 * x,
    "relie": lambda x: x if x > 0 else 0.01 * x,
    "swish": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "elu": lambda x: x if x >= 0 else math.expm1(x),
    "selu": lambda x: 1.0507 * x if x >= 0 else 1.0507 * 1.6732 * math.expm1(x),
    "gelu": lambda x: 0.5 * x * (1 + math.tanh(0.797885 * x + 0.035677 * x**3)),
    "tanh": math.tanh,
    "hardtan": lambda x: min(max(x, -1.0), 1.0),
    "lhtan": _lhtan,
    "loggy": lambda x: 2 / (1 + math.exp(-x)) - 1,
    "ramp": lambda x: (x if x > 0 else 0.0) + 0.1 * x,
    "plse": _plse,
    "stair": _stair,
    "hard_mish": _hard_mish,
}  # fmt: skip
ACROSS_CHANNELS = {"normalize_channels", "normalize_channels_softmax", "normalize_channels_softmax_maxval"}


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_activations_are_darknets(name: str) -> None:
    values = np.linspace(-9, 9, 181, dtype=np.float32) + np.float32(0.013)
    module = activation_module(name)
    found = values if module is None else module(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(found, [ELEMENTWISE[name](float(value)) for value in values], rtol=1e-4, atol=1e-5)


def test_every_activation_is_checked_here() -> None:
    assert set(ACTIVATIONS) == set(ELEMENTWISE) | ACROSS_CHANNELS


@pytest.mark.parametrize("name", sorted(ACROSS_CHANNELS))
def test_normalising_activations_share_out_one_over_the_channels(name: str) -> None:
    module, x = activation_module(name), image(5, 3, 4)
    assert module is not None
    positive = {"normalize_channels": x.clamp(min=0), "normalize_channels_softmax": x.exp()}.get(
        name, (x - x.amax(1, keepdim=True)).exp()
    )
    torch.testing.assert_close(module(x), positive / (positive.sum(1, keepdim=True) + 1e-4))
