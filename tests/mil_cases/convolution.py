"""Convolutions, matrix products and pools, against torch with every padding written out."""

import numpy as np
import torch
from coremltools.converters.mil import Builder as mb  # noqa: N813
from torch.nn import functional as F

from .case import IMAGE, WIDE, Case, numpy_of, t
from .programs import random

VOLUME = random(1, 2, 5, 6, 7, seed=3)
SIGNAL = random(1, 4, 11, seed=4)
KERNEL = random(6, 2, 3, 2, seed=5)
BIAS = random(6, seed=6)
EVEN = random(3, 4, 4, 4, seed=7)
UP = random(4, 3, 3, 2, seed=8)

CONVOLUTION = [
    Case(
        "conv", (IMAGE,),
        lambda x: mb.conv(x=x, weight=KERNEL, bias=BIAS, groups=2, strides=[2, 1], dilations=[1, 2], pad_type="valid"),
        lambda x: F.conv2d(x, t(KERNEL), t(BIAS), stride=(2, 1), dilation=(1, 2), groups=2),
    ),
    Case(
        "conv", (IMAGE,),
        lambda x: mb.conv(x=x, weight=KERNEL, groups=2, pad_type="custom", pad=[2, 1, 0, 3]),
        lambda x: F.conv2d(F.pad(x, (0, 3, 2, 1)), t(KERNEL), groups=2),
    ),
    Case(  # 9 x 7, kernel 4, stride 2: 5 x 4 outputs need 3 x 3 more elements, the odd one after
        "conv", (IMAGE,),
        lambda x: mb.conv(x=x, weight=EVEN, strides=[2, 2], pad_type="same"),
        lambda x: F.conv2d(F.pad(x, (1, 2, 1, 2)), t(EVEN), stride=2),
    ),
    Case(
        "conv", (IMAGE,),
        lambda x: mb.conv(x=x, weight=EVEN, strides=[2, 2], pad_type="same_lower"),
        lambda x: F.conv2d(F.pad(x, (2, 1, 2, 1)), t(EVEN), stride=2),
    ),
    Case(
        "conv", (SIGNAL,),
        lambda x: mb.conv(x=x, weight=EVEN[0, :, :, :3].copy(), pad_type="valid"),
        lambda x: F.conv1d(x, t(EVEN[0, :, :, :3].copy())),
    ),
    Case(
        "conv", (VOLUME,),
        lambda x: mb.conv(x=x, weight=KERNEL[:3].reshape(3, 2, 1, 3, 2), pad_type="valid"),
        lambda x: F.conv3d(x, t(KERNEL[:3].reshape(3, 2, 1, 3, 2))),
    ),
    Case(
        "conv_transpose", (IMAGE,),
        lambda x: mb.conv_transpose(x=x, weight=UP, bias=BIAS[:3], strides=[2, 3], pad_type="custom", pad=[1, 1, 0, 1]),
        lambda x: F.conv_transpose2d(x, t(UP), t(BIAS[:3]), stride=(2, 3))[:, :, 1:-1, :-1],
    ),
    Case(
        "conv_transpose", (IMAGE,),
        lambda x: mb.conv_transpose(x=x, weight=UP, groups=2, dilations=[1, 2], pad_type="valid"),
        lambda x: F.conv_transpose2d(x, t(UP), groups=2, dilation=(1, 2)),
    ),
    Case(  # height: 2 * 8 + 3 = 19 -> 18, the odd element cut after; width: 7 + 1 = 8 -> 7
        "conv_transpose", (IMAGE,),
        lambda x: mb.conv_transpose(x=x, weight=UP, strides=[2, 1], pad_type="same"),
        lambda x: F.conv_transpose2d(x, t(UP), stride=(2, 1))[:, :, :-1, :-1],
    ),
    Case(
        "conv_transpose", (IMAGE,),
        lambda x: mb.conv_transpose(
            x=x, weight=UP, bias=BIAS[:3], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1],
            output_shape=[2, 3, 18, 13],
        ),
        lambda x: F.conv_transpose2d(
            x, t(UP), t(BIAS[:3]), stride=2, padding=1, output_padding=(1, 1)
        ),
    ),
    Case(
        "linear", (WIDE,),
        lambda x: mb.linear(x=x, weight=random(2, 5), bias=random(2)),
        lambda x: x @ t(random(2, 5)).T + t(random(2)),
    ),
    Case(
        "matmul", (random(2, 4, 3), random(2, 5, 3)),
        lambda x, y: mb.matmul(x=x, y=y, transpose_y=True),
        numpy_of(lambda x, y: np.einsum("bik,bjk->bij", x, y)),
    ),
    Case(
        "matmul", (random(2, 3, 4), random(2, 3, 5)),
        lambda x, y: mb.matmul(x=x, y=y, transpose_x=True),
        numpy_of(lambda x, y: np.einsum("bki,bkj->bij", x, y)),
    ),
]  # fmt: skip

POOLING = [
    Case(
        "max_pool", (IMAGE,),
        lambda x: mb.max_pool(x=x, kernel_sizes=[3, 2], strides=[2, 2], pad_type="custom", pad=[1, 1, 0, 1]),
        lambda x: F.max_pool2d(F.pad(x, (0, 1, 1, 1), value=-torch.inf), (3, 2), 2),
    ),
    Case(
        "max_pool", (IMAGE,),
        lambda x: mb.max_pool(
            x=x, kernel_sizes=[3, 3], strides=[4, 4], pad_type="custom", pad=[1, 1, 1, 1], ceil_mode=True
        ),
        lambda x: F.max_pool2d(x, 3, 4, padding=1, ceil_mode=True),
    ),
    Case(
        "max_pool", (IMAGE,),
        lambda x: mb.max_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="same"),
        lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True),
    ),
    Case(
        "max_pool", (SIGNAL,), lambda x: mb.max_pool(x=x, kernel_sizes=[3], pad_type="valid"),
        lambda x: F.max_pool1d(x, 3, 1),
    ),
    Case(
        "avg_pool", (IMAGE,),
        lambda x: mb.avg_pool(x=x, kernel_sizes=[3, 3], strides=[2, 1], pad_type="custom", pad=[1, 1, 1, 1]),
        lambda x: F.avg_pool2d(x, 3, (2, 1), padding=1),
    ),
    Case(
        "avg_pool", (IMAGE,),
        lambda x: mb.avg_pool(
            x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1],
            exclude_padding_from_average=True,
        ),
        lambda x: F.avg_pool2d(x, 3, 2, padding=1, count_include_pad=False),
    ),
    Case(  # height 9: the last window has one row of two, and what is beyond the padding does not count
        "avg_pool", (IMAGE,),
        lambda x: mb.avg_pool(x=x, kernel_sizes=[4, 2], strides=[3, 2], pad_type="valid", ceil_mode=True),
        lambda x: F.avg_pool2d(x, (4, 2), (3, 2), ceil_mode=True),
    ),
    Case(
        "avg_pool", (IMAGE,),
        lambda x: mb.avg_pool(
            x=x, kernel_sizes=[3, 3], strides=[3, 3], pad_type="custom", pad=[1, 1, 1, 1], ceil_mode=True
        ),
        lambda x: F.avg_pool2d(x, 3, 3, padding=1, ceil_mode=True),
    ),
    Case(
        "avg_pool", (VOLUME,), lambda x: mb.avg_pool(x=x, kernel_sizes=[2, 3, 2], pad_type="valid"),
        lambda x: F.avg_pool3d(x, (2, 3, 2), 1),
    ),
]  # fmt: skip
