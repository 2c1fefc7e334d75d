"""Activations and normalisations, against their formulas."""

import math

import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813
from torch.nn import functional as F

from .case import IMAGE, WIDE, Case, f32, numpy_of, t
from .programs import random

CHANNELS = {name: random(4, seed=20 + i) for i, name in enumerate(("mean", "gamma", "beta"))}
VARIANCE = np.abs(random(4, seed=30)) + f32(0.5)
SLOPES = random(4, seed=40)
ACTIVATION = [
    Case("relu", (WIDE,), lambda x: mb.relu(x=x), numpy_of(lambda x: np.maximum(x, 0))),
    Case("relu6", (WIDE,), lambda x: mb.relu6(x=x), numpy_of(lambda x: np.clip(x, 0, 6))),
    Case(
        "clamped_relu", (WIDE,), lambda x: mb.clamped_relu(x=x, alpha=f32(0.3), beta=f32(4)),
        numpy_of(lambda x: np.minimum(np.where(x >= 0, x, f32(0.3) * x), 4)),
    ),
    Case(
        "leaky_relu", (WIDE,), lambda x: mb.leaky_relu(x=x, alpha=f32(0.1)),
        numpy_of(lambda x: np.where(x >= 0, x, f32(0.1) * x)),
    ),
    Case(
        "prelu", (IMAGE,), lambda x: mb.prelu(x=x, alpha=SLOPES),
        numpy_of(lambda x: np.where(x > 0, x, SLOPES.reshape(1, 4, 1, 1) * x)),
    ),
    Case(
        "elu", (WIDE,), lambda x: mb.elu(x=x, alpha=f32(0.5)),
        numpy_of(lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    ),
    Case(
        "gelu", (WIDE,), lambda x: mb.gelu(x=x),
        numpy_of(lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))),
    ),
    Case(
        "gelu", (WIDE,), lambda x: mb.gelu(x=x, mode="TANH_APPROXIMATION"),
        numpy_of(lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    ),
    Case(
        "gelu", (WIDE,), lambda x: mb.gelu(x=x, mode="SIGMOID_APPROXIMATION"),
        numpy_of(lambda x: x / (1 + np.exp(-1.702 * x))),
    ),
    Case("silu", (WIDE,), lambda x: mb.silu(x=x), numpy_of(lambda x: x / (1 + np.exp(-x)))),
    Case("sigmoid", (WIDE,), lambda x: mb.sigmoid(x=x), numpy_of(lambda x: 1 / (1 + np.exp(-x)))),
    Case(
        "sigmoid_hard", (WIDE,), lambda x: mb.sigmoid_hard(x=x, alpha=f32(0.2), beta=f32(0.5)),
        numpy_of(lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ),
    Case("softplus", (WIDE,), lambda x: mb.softplus(x=x), numpy_of(lambda x: np.logaddexp(0, x))),
    Case("tanh", (WIDE,), lambda x: mb.tanh(x=x), numpy_of(np.tanh)),
    Case(
        "linear_activation", (WIDE,), lambda x: mb.linear_activation(x=x, alpha=f32(2), beta=f32(-1)),
        numpy_of(lambda x: 2 * x - 1),
    ),
    Case(
        "softmax", (WIDE,), lambda x: mb.softmax(x=x, axis=0),
        numpy_of(lambda x: np.exp(x) / np.exp(x).sum(0, keepdims=True)),
    ),
]  # fmt: skip

NORMALISATION = [
    Case(
        "batch_norm", (IMAGE,),
        lambda x: mb.batch_norm(x=x, variance=VARIANCE, epsilon=f32(0.1), **CHANNELS),
        lambda x: (x - t(CHANNELS["mean"]).reshape(4, 1, 1)) / (t(VARIANCE).reshape(4, 1, 1) + 0.1).sqrt()
        * t(CHANNELS["gamma"]).reshape(4, 1, 1) + t(CHANNELS["beta"]).reshape(4, 1, 1),
    ),
    Case(
        "batch_norm", (IMAGE,), lambda x: mb.batch_norm(x=x, mean=CHANNELS["mean"], variance=VARIANCE),
        lambda x: (x - t(CHANNELS["mean"]).reshape(4, 1, 1)) / (t(VARIANCE).reshape(4, 1, 1) + 1e-5).sqrt(),
    ),
    Case(
        "instance_norm", (IMAGE,),
        lambda x: mb.instance_norm(x=x, gamma=CHANNELS["gamma"], beta=CHANNELS["beta"], epsilon=f32(0.1)),
        lambda x: (x - x.mean((2, 3), True)) / (x.var((2, 3), unbiased=False, keepdim=True) + 0.1).sqrt()
        * t(CHANNELS["gamma"]).reshape(4, 1, 1) + t(CHANNELS["beta"]).reshape(4, 1, 1),
    ),
    Case(
        "layer_norm", (IMAGE,),
        lambda x: mb.layer_norm(x=x, axes=[2, 3], gamma=random(9, 7), beta=random(9, 7, seed=1), epsilon=f32(0.1)),
        lambda x: F.layer_norm(x, (9, 7), t(random(9, 7)), t(random(9, 7, seed=1)), eps=0.1),
    ),
    Case(
        "layer_norm", (IMAGE,), lambda x: mb.layer_norm(x=x, axes=[1], gamma=SLOPES, epsilon=f32(0.1)),
        lambda x: F.layer_norm(x.movedim(1, -1), (4,), t(SLOPES), eps=0.1).movedim(-1, 1),
    ),
    Case(
        "l2_norm", (IMAGE,), lambda x: mb.l2_norm(x=x, epsilon=f32(0.5)),
        numpy_of(lambda x: x / np.sqrt((x**2).sum((1, 2, 3), keepdims=True) + 0.5)),
    ),
]  # fmt: skip
