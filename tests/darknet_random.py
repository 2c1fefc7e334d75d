"""Random darknet weights by the recipe of ../shared/fixtures/darknet/README.md, and the inputs that go with them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewright_train.darknet.layer_options import Convolutional
from edgewright_train.darknet.plan import Plan


def random_weights(plan: Plan, *, head_gain: float, bn_gain: float, seed: int = 20240101) -> bytes:
    """A whole weights file, header 0.2.5."""
    rng = np.random.default_rng(seed)
    blocks: list[NDArray[np.float64]] = []
    for layer in plan.layers:
        if not isinstance(layer.options, Convolutional):
            continue
        filters, fan_in, *kernel = layer.slots[-1].shape
        fan_in *= kernel[0] * kernel[1]
        blocks.append(0.1 * rng.standard_normal(filters))
        if layer.options.batch_normalize:
            blocks.append(bn_gain * rng.uniform(0.5, 1.5, filters))
            blocks.append(0.1 * rng.standard_normal(filters))
            blocks.append(rng.uniform(0.5, 1.5, filters))
        gain = 1.0 if layer.options.batch_normalize else head_gain
        blocks.append(rng.standard_normal(filters * fan_in) * np.sqrt(2 / fan_in) * gain)
    header = np.array([0, 2, 5, 0, 0], "<i4").tobytes()
    return header + b"".join(block.astype("<f4").tobytes() for block in blocks)


def waves(height: int, width: int) -> Tensor:
    """`synth`, (1, 3, height, width): a sine per channel, each of another direction."""
    channel, y, x = (np.arange(n, dtype=np.float64) for n in (3, height, width))
    c, y, x = channel[:, None, None], y[None, :, None], x[None, None, :]
    phase = 2 * np.pi * (x * (c + 1) / width + y * (3 - c) / height) + c
    return torch.from_numpy((0.5 + 0.5 * np.sin(phase)).astype(np.float32))[None]
