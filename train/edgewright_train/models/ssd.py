"""SSD for the EdgeNets backbones: six maps, merged from coarse to fine, each with six priors per cell.

Source: sacmehta/EdgeNets; Liu et al. 2016, arXiv:1512.02325.  N batch, K object classes (class 0 of K + 1 is the
background), A priors over all maps.  Maps are in order from fine to coarse, priors in the order map, row, column, shape.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .edgenets_blocks import PyramidPooling, conv, conv_norm_act
from .resampling import resample_like

NUM_PRIORS = 6
_EXTRA_CHANNELS = (512, 256, 128)
# Of the pyramids that make the maps at strides 8, 16, 32 and 64.
_SCALES = ((2.0, 1.0, 0.5, 0.25), (2.0, 1.0, 0.5, 0.25), (2.0, 1.0, 0.5), (2.0, 1.0))
_NUM_HALVED_MAPS = 4
# Sides of the smallest prior per map and of the one after the last, in pixels of a square input.
_SIDES_PX = {300: (30, 77, 125, 172, 220, 267, 315), 512: (52, 133, 214, 295, 376, 457, 538)}


def strides(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """Per map (x, y) pixels between the centres of priors; the first centre is half of that from the edge.

    The maps of the down-sampling levels keep their nominal stride, though at 300 pixels they are a little wider than
    the input; the two coarsest ones divide the input evenly.
    """
    halved = tuple(zip(*(_grid_strides(side) for side in (width, height)), strict=True))
    return halved


def _grid_strides(side: int) -> tuple[float, ...]:
    coarse = math.ceil(side / 128)
    return (*(8.0 * 2**level for level in range(_NUM_HALVED_MAPS)), side / coarse, float(side))
